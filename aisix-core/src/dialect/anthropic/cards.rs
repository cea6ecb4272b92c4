//! Writes the answers of `GET /v1/models` and `GET /v1/models/{id}` as Anthropic's SDKs read them.
//!
//! Source: <https://platform.claude.com/docs/en/api/models-list>.

use bytes::Bytes;
use serde_json::{Value, json};

/// Writes the list, in the order given.
///
/// ```
/// use aisix_core::dialect::anthropic::write_models;
///
/// let list = write_models(["fast"]);
/// let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
/// assert_eq!(list["data"][0]["type"], "model");
/// assert_eq!((list["first_id"].as_str(), list["has_more"].as_bool()), (Some("fast"), Some(false)));
/// ```
pub fn write_models<'a>(names: impl IntoIterator<Item = &'a str>) -> Bytes {
    let names: Vec<_> = names.into_iter().collect();
    let list = json!({
        "data": names.iter().map(|name| card(name)).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": names.first(),
        "last_id": names.last(),
    });
    list.to_string().into()
}

/// Writes one model.
#[must_use]
pub fn write_model(name: &str) -> Bytes {
    card(name).to_string().into()
}

/// Nobody knows since when a name of the operator's stands for a model.
fn card(name: &str) -> Value {
    json!({
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "1970-01-01T00:00:00Z",
    })
}
