//! The wire as serde types. Nearly everything is optional, since the vendor leaves out what has its
//! default value, and unknown members are kept in `rest`. Snake case is read too, never written.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// Members that the types do not name.
pub(super) type Rest = Map<String, Value>;

/// A list; one tool alone is understood too.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Tools {
    Many(Vec<Tool>),
    One(Tool),
}

/// The body of a request.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(alias = "system_instruction", skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contents: Option<Vec<Content>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Tools>,
    #[serde(alias = "tool_config", skip_serializing_if = "Option::is_none")]
    pub(super) tool_config: Option<ToolConfig>,
    #[serde(alias = "generation_config", skip_serializing_if = "Option::is_none")]
    pub(super) generation_config: Option<GenerationConfig>,
    #[serde(alias = "service_tier", skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// What one side said.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<Vec<Part>>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// One piece; which members it has says what it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought: Option<bool>,
    #[serde(alias = "inline_data", skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<Blob>,
    #[serde(alias = "file_data", skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileData>,
    #[serde(alias = "function_call", skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCall>,
    #[serde(alias = "function_response", skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponse>,
    #[serde(alias = "thought_signature", skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// Bytes in Base64.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Blob {
    #[serde(alias = "mime_type", skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<String>,
    #[serde(alias = "display_name", skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// A file that the vendor keeps, or fetches.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FileData {
    #[serde(alias = "mime_type", skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<String>,
    #[serde(alias = "file_uri", skip_serializing_if = "Option::is_none")]
    pub(super) file_uri: Option<String>,
    #[serde(alias = "display_name", skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FunctionCall {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Value>,
    #[serde(alias = "partial_args", skip_serializing_if = "Option::is_none")]
    pub(super) partial_args: Option<Vec<PartialArg>>,
    #[serde(alias = "will_continue", skip_serializing_if = "Option::is_none")]
    pub(super) will_continue: Option<bool>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// A piece of the arguments of a call, as Vertex streams them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PartialArg {
    #[serde(alias = "json_path", skip_serializing_if = "Option::is_none")]
    pub(super) json_path: Option<String>,
    #[serde(alias = "string_value", skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FunctionResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<Vec<Part>>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// Functions, or one of the vendor's own tools.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Tool {
    #[serde(
        alias = "function_declarations",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) function_declarations: Option<Vec<Declaration>>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Declaration {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Value>,
    #[serde(
        alias = "parameters_json_schema",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) parameters_json_schema: Option<Value>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolConfig {
    #[serde(
        alias = "function_calling_config",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) function_calling_config: Option<CallingConfig>,
    #[serde(
        alias = "include_server_side_tool_invocations",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) include_server_side_tool_invocations: Option<bool>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CallingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<String>,
    #[serde(
        alias = "allowed_function_names",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) allowed_function_names: Option<Vec<String>>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct GenerationConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(alias = "top_p", skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(alias = "top_k", skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
    #[serde(alias = "presence_penalty", skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(alias = "frequency_penalty", skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(alias = "max_output_tokens", skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(alias = "candidate_count", skip_serializing_if = "Option::is_none")]
    pub(super) candidate_count: Option<u32>,
    #[serde(alias = "stop_sequences", skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequences: Option<Vec<String>>,
    #[serde(alias = "response_logprobs", skip_serializing_if = "Option::is_none")]
    pub(super) response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<u32>,
    #[serde(alias = "response_mime_type", skip_serializing_if = "Option::is_none")]
    pub(super) response_mime_type: Option<String>,
    #[serde(alias = "response_schema", skip_serializing_if = "Option::is_none")]
    pub(super) response_schema: Option<Value>,
    #[serde(
        alias = "response_json_schema",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) response_json_schema: Option<Value>,
    #[serde(alias = "response_modalities", skip_serializing_if = "Option::is_none")]
    pub(super) response_modalities: Option<Vec<String>>,
    #[serde(alias = "thinking_config", skip_serializing_if = "Option::is_none")]
    pub(super) thinking_config: Option<ThinkingConfig>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    #[serde(alias = "include_thoughts", skip_serializing_if = "Option::is_none")]
    pub(super) include_thoughts: Option<bool>,
    #[serde(alias = "thinking_budget", skip_serializing_if = "Option::is_none")]
    pub(super) thinking_budget: Option<i64>,
    #[serde(alias = "thinking_level", skip_serializing_if = "Option::is_none")]
    pub(super) thinking_level: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

/// An answer, or one event of a stream.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Response {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) candidates: Option<Vec<Candidate>>,
    #[serde(alias = "usage_metadata", skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<Rest>,
    #[serde(alias = "model_version", skip_serializing_if = "Option::is_none")]
    pub(super) model_version: Option<String>,
    #[serde(alias = "response_id", skip_serializing_if = "Option::is_none")]
    pub(super) response_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Value>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content>,
    #[serde(alias = "finish_reason", skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
    #[serde(alias = "logprobs_result", skip_serializing_if = "Option::is_none")]
    pub(super) logprobs_result: Option<Value>,
    #[serde(flatten)]
    pub(super) rest: Rest,
}

// === impl Tools ===

impl Tools {
    pub(super) fn into_vec(self) -> Vec<Tool> {
        match self {
            Self::Many(tools) => tools,
            Self::One(tool) => vec![tool],
        }
    }
}

// === impl Part ===

impl Part {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }
}
