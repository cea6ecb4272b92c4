//! Names of tools that a wire format does not accept.

use sha2::{Digest, Sha256};

use super::Carry;

/// What a wire format accepts as the name of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToolNameRule {
    /// How many bytes it may have.
    pub(super) max: usize,
    /// What may stand beside ASCII letters and digits.
    pub(super) also: &'static [u8],
    /// Whether it begins with a letter or a `_`.
    pub(super) letter_first: bool,
}

impl ToolNameRule {
    /// The name on the wire: `name` itself, or one made of it, the same each time, which `carry`
    /// turns back.
    pub(super) fn sent(&self, name: &str, carry: &mut Carry) -> String {
        if self.accepts(name) {
            return name.to_owned();
        }
        let sent = self.made_of(name);
        carry.rename_tool(name, &sent);
        sent
    }

    fn accepts(&self, name: &str) -> bool {
        (1..=self.max).contains(&name.len())
            && name.bytes().all(|byte| self.is_plain(byte))
            && (!self.letter_first || starts_well(name))
    }

    fn is_plain(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || self.also.contains(&byte)
    }

    /// Keeps what it can of the name and tells names apart by a hash of the whole.
    fn made_of(&self, name: &str) -> String {
        let digest = Sha256::digest(name.as_bytes());
        let mut sent = String::with_capacity(self.max);
        if self.letter_first && !starts_well(name) {
            sent.push('_');
        }
        let room = self.max - sent.len() - HASH;
        sent.extend(name.chars().take(room).map(|char| {
            let plain = u8::try_from(char).is_ok_and(|byte| self.is_plain(byte));
            if plain { char } else { '_' }
        }));
        sent.push('_');
        sent.extend(digest.iter().take(4).map(|byte| format!("{byte:02x}")));
        sent
    }
}

fn starts_well(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// How long a hash is, with what parts it from the name.
const HASH: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_accepted_comes_back_through_the_carry() {
        let rule = ToolNameRule {
            max: 32,
            also: b"_-",
            letter_first: true,
        };
        let mut carry = Carry::default();
        for name in ["files.read", "7zip", "ü", "", &"x".repeat(40)] {
            let sent = rule.sent(name, &mut carry);
            assert!(rule.accepts(&sent), "{sent}");
            assert_eq!(carry.tool_name(&sent), name);
            assert_eq!(rule.sent(name, &mut carry), sent);
        }
        assert_eq!(rule.sent("plain-name", &mut carry), "plain-name");
    }

    #[test]
    fn names_that_differ_only_in_what_is_replaced_stay_apart() {
        let rule = ToolNameRule {
            max: 64,
            also: b"_-",
            letter_first: false,
        };
        let mut carry = Carry::default();
        assert_ne!(rule.sent("a.b", &mut carry), rule.sent("a/b", &mut carry));
    }
}
