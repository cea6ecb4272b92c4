//! The wire as serde types.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

pub(super) use crate::dialect::openai::fault::Rest;

/// The body of a request.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct StreamOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) include_usage: Option<bool>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Stop {
    One(String),
    Many(Vec<String>),
}

/// An answer, or one chunk of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Response {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) created: Option<Number>,
    pub(super) model: String,
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Rest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Value>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) text: Option<String>,
    pub(super) index: u32,
    pub(super) logprobs: Option<Logprobs>,
    pub(super) finish_reason: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// Log probabilities, one list for each thing that is told of a token.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Logprobs {
    pub(super) tokens: Vec<String>,
    /// `null` for the first token of a prompt.
    pub(super) token_logprobs: Vec<Option<f64>>,
    pub(super) top_logprobs: Option<Vec<Option<Rest>>>,
    pub(super) text_offset: Vec<u64>,
}
