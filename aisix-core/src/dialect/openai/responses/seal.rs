//! The proofs of vendors, on their way through callers of other formats.
//!
//! A client of this format sends `encrypted_content` back as it came, whatever it holds. So the
//! proof of another vendor goes there behind a word that says what it proves, and OpenAI's own, in
//! the neutral model, stands behind a word that no other vendor's proof begins with.

/// What an `encrypted_content` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// OpenAI's own.
    Own(String),
    /// The signature of the thoughts that the item shows.
    Thoughts(String),
    /// Thoughts that only their vendor can read.
    Sealed(String),
    /// The signature of the call that follows.
    Call(String),
    /// The signature of the text before.
    Text(String),
}

impl Seal {
    pub(super) fn read(content: String) -> Self {
        match content
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once(':'))
        {
            Some(("thoughts", proof)) => Self::Thoughts(proof.to_owned()),
            Some(("sealed", proof)) => Self::Sealed(proof.to_owned()),
            Some(("call", proof)) => Self::Call(proof.to_owned()),
            Some(("text", proof)) => Self::Text(proof.to_owned()),
            _ => Self::Own(content),
        }
    }

    pub(super) fn write(&self) -> String {
        let (word, proof) = match self {
            Self::Own(content) => return content.clone(),
            Self::Thoughts(proof) => ("thoughts", proof),
            Self::Sealed(proof) => ("sealed", proof),
            Self::Call(proof) => ("call", proof),
            Self::Text(proof) => ("text", proof),
        };
        format!("{PREFIX}{word}:{proof}")
    }
}

/// OpenAI's proof of a piece of reasoning, as other formats carry it: with the id of the item,
/// without which it is worth nothing.
pub(super) fn own_signature(id: &str, content: &str) -> String {
    format!("{OWN_SIGNATURE}{id}:{content}")
}

/// The id and the content of a signature that is OpenAI's.
pub(super) fn read_own_signature(signature: &str) -> Option<(&str, &str)> {
    signature.strip_prefix(OWN_SIGNATURE)?.split_once(':')
}

/// What the signatures of OpenAI's reasoning begin with in the neutral model; those of other
/// vendors are Base64, which has no colon.
pub(in crate::dialect) const OWN_SIGNATURE: &str = "openai:";

const PREFIX: &str = "aisix:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_proof_comes_back_as_what_it_was() {
        let proof = || "Eq:c=".to_owned();
        for seal in [
            Seal::Own("gAAAA".to_owned()),
            Seal::Thoughts(proof()),
            Seal::Sealed(proof()),
            Seal::Call(proof()),
            Seal::Text(proof()),
        ] {
            assert_eq!(Seal::read(seal.write()), seal);
        }
        let signature = own_signature("rs_1", "gAAAA");
        assert_eq!(read_own_signature(&signature), Some(("rs_1", "gAAAA")));
        assert_eq!(read_own_signature("Eqc="), None);
    }
}
