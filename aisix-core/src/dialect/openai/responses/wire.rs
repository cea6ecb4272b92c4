//! The wire as serde types, and members of the items, which have as many shapes as types.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::dialect::openai::fault::Fault;
pub(super) use crate::dialect::openai::fault::Rest;

/// The body of a request.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Input>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Rest>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Rest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Input {
    Text(String),
    Items(Vec<Rest>),
}

impl Input {
    pub(super) const fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Items(items) => items.is_empty(),
        }
    }
}

/// The form of the answer.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verbosity: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// An answer, also as far as it has come.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response {
    pub(super) id: Option<String>,
    pub(super) created_at: Option<Number>,
    pub(super) model: Option<String>,
    pub(super) status: Option<String>,
    pub(super) incomplete_details: Option<Rest>,
    pub(super) error: Option<Value>,
    pub(super) output: Option<Vec<Rest>>,
    pub(super) usage: Option<Rest>,
    pub(super) service_tier: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// An event of a stream. Which members it has depends on its type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) response: Option<Response>,
    pub(super) output_index: Option<u64>,
    pub(super) summary_index: Option<u64>,
    pub(super) item: Option<Rest>,
    pub(super) delta: Option<Value>,
    pub(super) annotation: Option<Value>,
    pub(super) logprobs: Option<Value>,
    pub(super) error: Option<Value>,
    /// Of an error that stands flat.
    pub(super) message: Option<String>,
    pub(super) code: Option<String>,
    pub(super) param: Option<String>,
}

/// The member `name`, which is a text if it is there.
pub(super) fn take_text(map: &mut Rest, name: &str) -> Result<Option<String>, Fault> {
    match map.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::new(name, "expected a string")),
    }
}

/// The member `name`, which has to be a text.
pub(super) fn need_text(map: &mut Rest, name: &str) -> Result<String, Fault> {
    take_text(map, name)?.ok_or_else(|| missing(name))
}

/// The member `name`, which is a list of objects if it is there.
pub(super) fn take_list(map: &mut Rest, name: &str) -> Result<Vec<Rest>, Fault> {
    let list = match map.shift_remove(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Fault::new(name, "expected a list")),
    };
    let object = |(at, value)| match value {
        Value::Object(map) => Ok(map),
        _ => Err(Fault::new("", "expected an object").at(name, at)),
    };
    list.into_iter().enumerate().map(object).collect()
}

pub(super) fn missing(name: &str) -> Fault {
    Fault::new(name, format!("an item or part of this type needs `{name}`"))
}

/// The type that an item or a part says.
pub(super) fn kind_of(map: &Rest) -> &str {
    map.get("type").and_then(Value::as_str).unwrap_or_default()
}
