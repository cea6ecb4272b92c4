//! The keys that callers are given.

use aisix_core::error::Error;
use aisix_core::error::Result;
use aisix_core::resource::Secret;
use rustls::crypto::ring;

const PREFIX: &str = "sk-aisix-";

/// So many characters of six bits each: no less than the SHA-256 that a key is known by.
const LEN: usize = 43;

/// The alphabet of base64 for URLs.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Makes a key that nobody can guess: `sk-aisix-` and 43 characters out of the random source of the
/// operating system.
///
/// # Errors
///
/// When the operating system has none to give.
pub fn new_caller_key() -> Result<Secret> {
    let mut random = [0; LEN];
    let source = ring::default_provider().secure_random;
    source
        .fill(&mut random)
        .map_err(|_| Error::internal("the operating system has no random bytes for a key"))?;
    let mut key = PREFIX.to_owned();
    // 64 divides 256, so that each character is as likely as any other.
    key.extend(random.map(|byte| char::from(ALPHABET[usize::from(byte % 64)])));
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn has_a_prefix_and_only_characters_that_no_url_escapes() {
        let key = new_caller_key().unwrap();
        let rest = key.expose().strip_prefix("sk-aisix-").unwrap();
        assert_eq!(rest.len(), 43);
        assert!(rest.bytes().all(|byte| ALPHABET.contains(&byte)), "{rest}");
        assert!(!format!("{key:?}").contains(rest));
    }

    #[test]
    fn makes_each_key_once_and_uses_the_whole_alphabet() {
        let keys: HashSet<_> = (0..1000).map(|_| new_caller_key().unwrap()).collect();
        assert_eq!(keys.len(), 1000);
        let seen: HashSet<_> = keys
            .iter()
            .flat_map(|key| key.expose()[9..].chars())
            .collect();
        assert_eq!(seen.len(), 64);
    }
}
