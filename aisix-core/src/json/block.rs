//! Steps over the escapes of a block of 64 bytes at once.
//!
//! Prose has an escape every few words, so a search that starts anew behind each costs more than
//! all that lies between them. Here a block is looked at once, for one bit a special byte.

use super::error::SyntaxError;
use super::string::{Halves, is_short_escape, skip_escape};

const BLOCK: usize = 64;

/// Steps over plain bytes and escapes up to the first other special byte, or to where too few are
/// left for a block.
#[inline]
pub(super) fn skip_blocks(
    bytes: &[u8],
    mut at: usize,
    halves: Halves,
) -> Result<usize, SyntaxError> {
    // What the last escape of a block takes of the next. Were the next to start behind it instead,
    // the processor could not load it before it is done with this one.
    let mut taken = 0;
    // One byte more, so that what follows a backslash is in reach.
    while let Some(block) = bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk::<{ BLOCK + 1 }>)
    {
        let mut bits = special_bits(block) & u64::MAX << taken;
        taken = 0;
        while bits != 0 {
            let offset = bits.trailing_zeros() as usize;
            if block[offset] != b'\\' {
                return Ok(at + offset);
            }
            if is_short_escape(block[offset + 1]) {
                // Drops the bit of the backslash and, should it have one, of the byte behind it.
                let first = bits & bits.wrapping_neg();
                bits &= !(first | first << 1);
                taken = first >> 63;
                continue;
            }
            let end = skip_escape(bytes, at + offset, halves)? - at;
            bits &= u64::MAX.checked_shl(end as u32).unwrap_or(0);
            taken = end.saturating_sub(BLOCK) as u64;
        }
        at += BLOCK;
    }
    Ok(at + taken as usize)
}

/// One bit for each special byte of the block, the first one lowest.
///
/// The intrinsic that gathers such bits can only be entered by `unsafe`. So each of the block's
/// eight words marks its bytes with a bit of its own, in a shape that LLVM turns into vector code
/// on any processor; all words together then hold the bits, transposed.
#[inline(always)]
fn special_bits(block: &[u8; BLOCK + 1]) -> u64 {
    let mut marks = [0; BLOCK];
    for (at, (mark, &byte)) in marks.iter_mut().zip(block).enumerate() {
        *mark = if is_special(byte) { 1 << (at / 8) } else { 0 };
    }
    let words = marks.as_chunks().0.iter();
    match words.fold(0, |all, word| all | u64::from_le_bytes(*word)) {
        0 => 0,
        all => transpose(all),
    }
}

/// No short circuit, which LLVM would not vectorise.
#[inline(always)]
const fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// Swaps the rows and the columns of 8 times 8 bits ("Hacker's Delight", 7-3).
#[inline(always)]
const fn transpose(mut bits: u64) -> u64 {
    let swap = (bits ^ bits >> 7) & 0x00aa_00aa_00aa_00aa;
    bits ^= swap ^ swap << 7;
    let swap = (bits ^ bits >> 14) & 0x0000_cccc_0000_cccc;
    bits ^= swap ^ swap << 14;
    let swap = (bits ^ bits >> 28) & 0x0000_0000_f0f0_f0f0;
    bits ^ swap ^ swap << 28
}

#[cfg(test)]
mod tests {
    use proptest::array::uniform;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use proptest::sample::select;

    use super::*;

    fn assert_exact(block: &[u8; BLOCK + 1]) {
        let is_special = |byte| matches!(byte, ..0x20 | b'"' | b'\\');
        let add = |bits, &byte| bits << 1 | u64::from(is_special(byte));
        let bits = block[..BLOCK].iter().rev().fold(0, add);
        assert_eq!(special_bits(block), bits, "{block:?}");
    }

    /// The same, one byte after the other.
    fn skip_slowly(bytes: &[u8], mut at: usize, halves: Halves) -> Result<usize, SyntaxError> {
        loop {
            match bytes.get(at) {
                Some(b'\\') => at = skip_escape(bytes, at, halves)?,
                None | Some(..0x20 | b'"') => return Ok(at),
                Some(_) => at += 1,
            }
        }
    }

    #[test]
    fn knows_each_byte_at_each_place() {
        for byte in 0..=u8::MAX {
            for around in [b' ', b'"', 0, 0xff] {
                for at in 0..=BLOCK {
                    let mut block = [around; BLOCK + 1];
                    block[at] = byte;
                    assert_exact(&block);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn sees_each_special_byte_of_a_block(block in uniform::<_, 65>(any::<u8>())) {
            assert_exact(&block);
            // Most of these are special, and so are their neighbours.
            assert_exact(&block.map(|byte| byte % 0x26));
        }

        #[test]
        fn steps_as_far_as_one_byte_after_the_other(
            parts in vec(select(PARTS), 0..60),
            damage in select(&["", "", "", "\"", "\n", "\\x", "\\u12", "\\ud800"][..]),
            more in vec(select(PARTS), 0..60),
            allow: bool,
        ) {
            let text = [parts.concat(), damage.to_owned(), more.concat()].concat();
            let bytes = text.as_bytes();
            let halves = if allow { Halves::Allow } else { Halves::Refuse };
            let fast = skip_blocks(bytes, 0, halves);
            let resumed = fast.and_then(|at| skip_slowly(bytes, at, halves));
            prop_assert_eq!(resumed, skip_slowly(bytes, 0, halves));
        }
    }

    const PARTS: &[&str] = &[
        "a",
        "word ",
        "é",
        "a sentence that is as long as half a block ",
        "\\\\",
        "\\\"",
        "\\n",
        "\\/",
        "\\u0022",
        "\\u005c",
        "\\ud83d\\ude00",
    ];
}
