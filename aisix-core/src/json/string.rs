use bytes::BufMut;

use super::error::SyntaxError;

/// Writes `text` as a JSON string with its quotes.
///
/// Escapes what RFC 8259 requires and nothing else.
///
/// ```
/// let mut out = Vec::new();
/// aisix_core::json::write_string(&mut out, "a \"b\"\n");
/// assert_eq!(out, br#""a \"b\"\n""#);
/// ```
pub fn write_string(out: &mut impl BufMut, text: &str) {
    let bytes = text.as_bytes();
    out.put_u8(b'"');
    let mut from = 0;
    loop {
        let at = find_special(bytes, from);
        out.put_slice(&bytes[from..at]);
        let Some(&byte) = bytes.get(at) else { break };
        write_escape(out, byte);
        from = at + 1;
    }
    out.put_u8(b'"');
}

fn write_escape(out: &mut impl BufMut, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.put_slice(b"\\u00");
            out.put_u8(b'0' + (byte >> 4));
            out.put_u8(b"0123456789abcdef"[usize::from(byte & 0xf)]);
            return;
        }
    };
    out.put_slice(&[b'\\', short]);
}

/// The first byte at or after `at` that ends a run of plain string bytes: a quote, a backslash or
/// a control character; the length when there is none.
#[inline]
pub(super) fn find_special(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    // Prose has an escape every line or so; blocks pay off only for what is longer.
    let (first, later) = rest.split_at(rest.len().min(64));
    if let Some(more) = find_in_words(first) {
        return at + more;
    }
    let blocks = later.as_chunks::<64>().0;
    let plain = 64 * blocks.iter().take_while(|block| is_plain(block)).count();
    find_in_words(&later[plain..]).map_or(bytes.len(), |more| at + first.len() + plain + more)
}

/// The same if it is among the next 16 bytes, else where to search on.
#[inline(always)]
pub(super) fn find_special_near(bytes: &[u8], at: usize) -> Result<usize, usize> {
    let Some(near) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) else {
        return Err(at);
    };
    let [first, second] = near.as_chunks::<8>().0 else {
        return Err(at);
    };
    let hits = special_bytes(u64::from_le_bytes(*first));
    if hits != 0 {
        return Ok(at + first_byte(hits));
    }
    let hits = special_bytes(u64::from_le_bytes(*second));
    if hits != 0 {
        return Ok(at + 8 + first_byte(hits));
    }
    Err(at + 16)
}

#[inline]
fn find_in_words(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let hits = special_bytes(u64::from_le_bytes(*word));
        if hits != 0 {
            return Some(8 * index + first_byte(hits));
        }
    }
    let in_tail = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    tail.iter()
        .position(in_tail)
        .map(|more| 8 * words.len() + more)
}

/// Whether no byte of the block is special; in a shape that LLVM turns into vector code.
#[inline]
fn is_plain(block: &[u8; 64]) -> bool {
    let zero_if_special = |byte: u8| {
        (byte ^ b'"')
            .min(byte ^ b'\\')
            .min(byte.saturating_sub(0x1f))
    };
    block
        .iter()
        .fold(u8::MAX, |least, &byte| least.min(zero_if_special(byte)))
        != 0
}

/// Sets the top bit of each special byte. Borrows can set more bits, but only above a true one,
/// so the lowest is exact ("Bit Twiddling Hacks", hasless and haszero).
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control | quote | backslash) & !word & (ONES << 7)
}

#[inline]
const fn first_byte(hits: u64) -> usize {
    (hits.trailing_zeros() / 8) as usize
}

/// Steps over the escape whose backslash is at `at`.
#[inline]
pub(super) fn skip_escape(bytes: &[u8], at: usize, halves: Halves) -> Result<usize, SyntaxError> {
    match bytes.get(at + 1) {
        Some(&byte) if is_short_escape(byte) => Ok(at + 2),
        _ => skip_long_escape(bytes, at, halves),
    }
}

#[inline(never)]
fn skip_long_escape(bytes: &[u8], at: usize, halves: Halves) -> Result<usize, SyntaxError> {
    match bytes.get(at + 1) {
        Some(b'u') => match unicode_escape(bytes, at)? {
            (Some(_), end) => Ok(end),
            (None, end) if halves == Halves::Allow => Ok(end),
            (None, _) => Err(SyntaxError::new(at, "half of a surrogate pair")),
        },
        Some(_) => Err(SyntaxError::new(at, "unknown escape")),
        None => Err(SyntaxError::new(bytes.len(), "unterminated string")),
    }
}

/// Whether `byte` is an escape together with the backslash before it.
#[inline(always)]
pub(super) fn is_short_escape(byte: u8) -> bool {
    // The eight lie too far apart for one mask of bits, which LLVM would make of a `match`.
    static TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut short: &[u8] = b"\"\\/bfnrt";
        while let [byte, rest @ ..] = short {
            table[*byte as usize] = true;
            short = rest;
        }
        table
    };
    TABLE[usize::from(byte)]
}

/// Whether an escaped half of a surrogate pair may stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halves {
    Allow,
    Refuse,
}

/// The character of the `\u` escape at `at` and where it ends; no character for half a pair.
fn unicode_escape(bytes: &[u8], at: usize) -> Result<(Option<char>, usize), SyntaxError> {
    let unit = code_unit(bytes, at).ok_or_else(|| SyntaxError::new(at, "malformed \\u escape"))?;
    let single = char::from_u32(unit);
    if single.is_some() {
        return Ok((single, at + 6));
    }
    let pair = if unit < 0xdc00 && bytes.get(at + 6..at + 8) == Some(b"\\u") {
        code_unit(bytes, at + 6)
            .filter(|low| (0xdc00..0xe000).contains(low))
            .and_then(|low| char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)))
    } else {
        None
    };
    Ok((pair, if pair.is_some() { at + 12 } else { at + 6 }))
}

fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at + 2..at + 6)?
        .iter()
        .try_fold(0, |unit, &byte| {
            Some(unit << 4 | char::from(byte).to_digit(16)?)
        })
}

/// Replaces the escapes in what stands between the quotes of a valid string; half a surrogate
/// pair becomes U+FFFD.
pub(super) fn unescape(inner: &str) -> String {
    let bytes = inner.as_bytes();
    let mut out = String::with_capacity(inner.len());
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\\', &bytes[from..]).map(|more| from + more) {
        out.push_str(&inner[from..at]);
        let (char, end) = match bytes.get(at + 1) {
            Some(b'b') => ('\u{8}', at + 2),
            Some(b'f') => ('\u{c}', at + 2),
            Some(b'n') => ('\n', at + 2),
            Some(b'r') => ('\r', at + 2),
            Some(b't') => ('\t', at + 2),
            Some(b'u') => match unicode_escape(bytes, at) {
                Ok((char, end)) => (char.unwrap_or(char::REPLACEMENT_CHARACTER), end),
                Err(_) => break,
            },
            Some(&same) if same.is_ascii() => (char::from(same), at + 2),
            Some(_) | None => break,
        };
        out.push(char);
        from = end;
    }
    out.push_str(&inner[from..]);
    out
}
