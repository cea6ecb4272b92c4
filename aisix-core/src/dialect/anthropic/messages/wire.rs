//! The wire as serde types. A block is kept as the object that it is: which members it has depends
//! on its type, and there are more types every month.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One piece of a content.
pub(super) type Block = Map<String, Value>;

/// The body of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    pub(super) model: Option<String>,
    pub(super) system: Option<Content>,
    pub(super) messages: Option<Vec<Message>>,
    pub(super) tools: Option<Vec<Block>>,
    pub(super) tool_choice: Option<Value>,
    pub(super) max_tokens: Option<u64>,
    pub(super) stop_sequences: Option<Vec<String>>,
    pub(super) stream: Option<bool>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<u64>,
    pub(super) thinking: Option<Block>,
    pub(super) output_config: Option<Block>,
    pub(super) metadata: Option<Block>,
    pub(super) service_tier: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// One turn of a request.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: Content,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// What was said: a text, or blocks.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "must be a string or a list of blocks")]
pub(super) enum Content {
    Text(String),
    List(Vec<Block>),
}

/// A whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) content: Option<Vec<Block>>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_sequence: Option<String>,
    pub(super) usage: Option<Block>,
    pub(super) error: Option<Value>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// One event of a stream, as far as most events go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) index: u32,
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    pub(super) content_block: Option<Block>,
    pub(super) message: Option<Response>,
    pub(super) usage: Option<Block>,
    pub(super) error: Option<Value>,
}

/// What an event adds to its block.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) partial_json: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_sequence: Option<String>,
}

/// Takes a text out of a block.
pub(super) fn take_text(block: &mut Block, name: &str) -> Option<String> {
    if !block.get(name)?.is_string() {
        return None;
    }
    match block.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A text of a block.
pub(super) fn text_of<'a>(block: &'a Block, name: &str) -> &'a str {
    block.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A block of `kind` with nothing in it yet.
pub(super) fn block(kind: &str) -> Block {
    Map::from_iter([("type".to_owned(), kind.into())])
}
