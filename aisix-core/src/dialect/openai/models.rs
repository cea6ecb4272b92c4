//! Writes the answers of `GET /v1/models` and `GET /v1/models/{id}`.
//!
//! ```
//! use aisix_core::dialect::openai::models::{ModelCard, write_model, write_models};
//! use bytes::BytesMut;
//!
//! let card = ModelCard::new("fast", 1_700_000_000);
//! let mut out = BytesMut::new();
//! write_models([card], &mut out);
//! assert_eq!(
//!     &out[..],
//!     br#"{"object":"list","data":[{"id":"fast","object":"model","created":1700000000,"owned_by":"aisix"}]}"#
//! );
//! # let mut one = BytesMut::new();
//! # write_model(card, &mut one);
//! # assert!(one.starts_with(b"{\"id\":\"fast\""));
//! ```

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

use crate::json;

/// What the list says of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelCard<'a> {
    /// The name that callers send.
    pub id: &'a str,
    /// Since when it is there, in seconds since 1970.
    pub created: u64,
    /// Who runs it.
    pub owned_by: &'a str,
}

impl<'a> ModelCard<'a> {
    /// A model that the gateway itself is said to own.
    #[must_use]
    pub const fn new(id: &'a str, created: u64) -> Self {
        Self {
            id,
            created,
            owned_by: "aisix",
        }
    }

    /// Says who runs it.
    #[must_use]
    pub const fn with_owner(mut self, owned_by: &'a str) -> Self {
        self.owned_by = owned_by;
        self
    }
}

/// Writes the list, in the order given.
pub fn write_models<'a>(cards: impl IntoIterator<Item = ModelCard<'a>>, out: &mut BytesMut) {
    out.put_slice(br#"{"object":"list","data":["#);
    for (at, card) in cards.into_iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        write_model(card, out);
    }
    out.put_slice(b"]}");
}

/// Writes one model.
pub fn write_model(card: ModelCard<'_>, out: &mut BytesMut) {
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
        let cards = [
            ModelCard::new("a\"b", 1),
            ModelCard::new("c", 2).with_owner("acme"),
        ];
        let mut out = BytesMut::new();
        write_models(cards, &mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["data"][0]["id"], "a\"b");
        assert_eq!(value["data"][1]["owned_by"], "acme");
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let mut out = BytesMut::new();
        write_models([], &mut out);
        assert_eq!(&out[..], br#"{"object":"list","data":[]}"#);
    }
}
