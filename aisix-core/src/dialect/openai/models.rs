//! Writes the answers of `GET /v1/models` and `GET /v1/models/{id}`.
//!
//! ```
//! use aisix_core::dialect::openai::models::{ModelCard, write_list, write_model};
//!
//! let card = ModelCard::new("fast").with_owner("acme").with_created(1_700_000_000);
//! assert_eq!(
//!     &write_model(card)[..],
//!     br#"{"id":"fast","object":"model","created":1700000000,"owned_by":"acme"}"#
//! );
//! // A name and an owner are enough.
//! assert!(write_list([("fast", "acme"), ("slow", "acme")]).ends_with(b"]}"));
//! ```

use std::fmt::Write;

use bytes::{BufMut, Bytes, BytesMut};

use crate::json;

/// What the list says of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelCard<'a> {
    /// The name that callers send.
    pub id: &'a str,
    /// Since when it is there, in seconds since 1970; 0 where nobody knows.
    pub created: u64,
    /// Who runs it.
    pub owned_by: &'a str,
}

impl<'a> ModelCard<'a> {
    /// A model that the gateway itself is said to own.
    #[must_use]
    pub const fn new(id: &'a str) -> Self {
        Self {
            id,
            created: 0,
            owned_by: "aisix",
        }
    }

    /// Says who runs it.
    #[must_use]
    pub const fn with_owner(mut self, owned_by: &'a str) -> Self {
        self.owned_by = owned_by;
        self
    }

    /// Says since when it is there.
    #[must_use]
    pub const fn with_created(mut self, created: u64) -> Self {
        self.created = created;
        self
    }
}

impl<'a> From<(&'a str, &'a str)> for ModelCard<'a> {
    fn from((id, owned_by): (&'a str, &'a str)) -> Self {
        Self::new(id).with_owner(owned_by)
    }
}

/// Writes the list, in the order given.
pub fn write_list<'a, M: Into<ModelCard<'a>>>(models: impl IntoIterator<Item = M>) -> Bytes {
    let mut out = BytesMut::new();
    out.put_slice(br#"{"object":"list","data":["#);
    for (at, model) in models.into_iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        write(model.into(), &mut out);
    }
    out.put_slice(b"]}");
    out.freeze()
}

/// Writes one model.
pub fn write_model<'a>(model: impl Into<ModelCard<'a>>) -> Bytes {
    let mut out = BytesMut::new();
    write(model.into(), &mut out);
    out.freeze()
}

fn write(card: ModelCard<'_>, out: &mut BytesMut) {
    out.put_slice(br#"{"id":"#);
    json::write_string(out, card.id);
    // Writing to memory does not fail.
    let _ = write!(out, r#","object":"model","created":{}"#, card.created);
    out.put_slice(br#","owned_by":"#);
    json::write_string(out, card.owned_by);
    out.put_u8(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_separated() {
        let list = write_list([
            ModelCard::new("a\"b"),
            ModelCard::new("c").with_owner("acme"),
        ]);
        let value: serde_json::Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(value["data"][0]["id"], "a\"b");
        assert_eq!(value["data"][1]["owned_by"], "acme");
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let none: [ModelCard<'_>; 0] = [];
        assert_eq!(&write_list(none)[..], br#"{"object":"list","data":[]}"#);
    }
}
