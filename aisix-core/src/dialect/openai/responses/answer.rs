//! What whole answers and streams have in common: the answer around its items, and the items.

use serde_json::{Map, Value, json};

use super::item::arguments_of;
use super::part::put;
use super::seal::{Seal, read_own_signature};
use super::wire::Rest;
use crate::conversation::{FinishReason, Media, Source, ToolCallKind, Usage};
use crate::dialect::openai::usage::{TOKENS_OF_RESPONSES, usage_map};

/// Makes the ids of items that have none: the same answer gets the same ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    tail: String,
}

impl Ids {
    /// The id of the answer, which of another format becomes `resp_` and the rest, and the ids of
    /// its items.
    pub(super) fn of(id: &str, is_own: bool) -> (String, Self) {
        let tail = match id.split_once(['_', '-']) {
            Some((_, tail)) if !tail.is_empty() => tail,
            _ => id,
        };
        let own = if is_own || id.starts_with("resp_") {
            id.to_owned()
        } else {
            format!("resp_{tail}")
        };
        let tail = tail.to_owned();
        (own, Self { tail })
    }

    pub(super) fn item(&self, prefix: &str, index: usize) -> String {
        format!("{prefix}_{}_{index}", self.tail)
    }
}

/// How an answer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete(&'static str),
    Failed,
}

impl Status {
    pub(super) const fn of(finish: Option<&FinishReason>) -> Self {
        match finish {
            Some(FinishReason::Length) => Self::Incomplete("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Self::Incomplete("content_filter"),
            // A paused turn is complete as far as this format can say.
            _ => Self::Completed,
        }
    }

    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed => "failed",
        }
    }

    /// The event that tells it.
    pub(super) const fn event(&self) -> &'static str {
        match self {
            Self::InProgress => "response.in_progress",
            Self::Completed => "response.completed",
            Self::Incomplete(_) => "response.incomplete",
            Self::Failed => "response.failed",
        }
    }
}

/// The answer around its items.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) service_tier: Option<String>,
    /// What the upstream said of it in this format.
    pub(super) own: Rest,
}

impl Shell {
    /// Writes it. What a client may look for is always there: an answer of another format knows
    /// nothing of the request, and nothing is stored.
    pub(super) fn write(
        &self,
        status: &Status,
        output: Vec<Value>,
        usage: Option<&Usage>,
        error: Value,
    ) -> Rest {
        let mut own = self.own.clone();
        let kept = own.shift_remove("usage");
        let usage = usage.map(|usage| {
            let kept = kept.as_ref().and_then(Value::as_object);
            usage_map(usage, kept, &TOKENS_OF_RESPONSES)
        });
        let incomplete = match status {
            Status::Incomplete(reason) => json!({"reason": reason}),
            _ => Value::Null,
        };
        let mut wire = Rest::new();
        put(&mut wire, "id", &*self.id);
        put(&mut wire, "object", "response");
        put(&mut wire, "created_at", self.created);
        put(&mut wire, "status", status.as_str());
        put(&mut wire, "background", false);
        put(&mut wire, "error", error);
        put(&mut wire, "incomplete_details", incomplete);
        put(&mut wire, "instructions", Value::Null);
        put(&mut wire, "max_output_tokens", Value::Null);
        put(&mut wire, "model", &*self.model);
        put(&mut wire, "output", output);
        put(&mut wire, "parallel_tool_calls", true);
        put(&mut wire, "previous_response_id", Value::Null);
        put(
            &mut wire,
            "reasoning",
            json!({"effort": null, "summary": null}),
        );
        put(&mut wire, "service_tier", self.service_tier.as_deref());
        put(&mut wire, "store", false);
        put(&mut wire, "temperature", Value::Null);
        put(&mut wire, "text", json!({"format": {"type": "text"}}));
        put(&mut wire, "tool_choice", "auto");
        put(&mut wire, "tools", Vec::<Value>::new());
        put(&mut wire, "top_p", Value::Null);
        put(&mut wire, "truncation", "disabled");
        put(&mut wire, "usage", usage.map_or(Value::Null, Value::from));
        put(&mut wire, "user", Value::Null);
        put(&mut wire, "metadata", Map::new());
        wire.extend(own);
        wire
    }
}

pub(super) fn message_item(id: String, status: &Status, content: Vec<Value>, own: &Rest) -> Value {
    let mut item = Rest::new();
    put(&mut item, "id", id);
    put(&mut item, "type", "message");
    put(&mut item, "status", status.as_str());
    put(&mut item, "role", "assistant");
    put(&mut item, "content", content);
    item.extend(own.clone());
    item.into()
}

pub(super) fn reasoning_item(id: String, text: &str, sealed: Option<&str>) -> Value {
    let mut item = Rest::new();
    put(&mut item, "id", id);
    put(&mut item, "type", "reasoning");
    let mut summary = Vec::new();
    if !text.is_empty() {
        summary.push(json!({"type": "summary_text", "text": text}));
    }
    put(&mut item, "summary", summary);
    if let Some(sealed) = sealed {
        put(&mut item, "encrypted_content", sealed);
    }
    item.into()
}

/// What a client keeps of a signature: OpenAI's own as it came, another one's behind a word.
pub(super) fn seal_thoughts(signature: &str) -> Seal {
    match read_own_signature(signature) {
        Some((_, content)) => Seal::Own(content.to_owned()),
        None => Seal::Thoughts(signature.to_owned()),
    }
}

/// A call of a tool, and what the item of its kind begins its id with.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) kind: ToolCallKind,
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Call {
    pub(super) const fn prefix(&self) -> &'static str {
        match self.kind {
            ToolCallKind::Function => "fc",
            ToolCallKind::Custom => "ctc",
        }
    }

    pub(super) fn item(&self, id: &str, status: &Status, own: &Rest) -> Value {
        let kind = match self.kind {
            ToolCallKind::Function => "function_call",
            ToolCallKind::Custom => "custom_tool_call",
        };
        let mut item = Rest::new();
        put(&mut item, "id", id);
        put(&mut item, "type", kind);
        put(&mut item, "status", status.as_str());
        put(&mut item, arguments_of(self.kind), &*self.arguments);
        put(&mut item, "call_id", &*self.call_id);
        put(&mut item, "name", &*self.name);
        item.extend(own.clone());
        item.into()
    }
}

/// A picture that the model made is what the tool for pictures answers with.
pub(super) fn picture_item(id: &str, media: &Media) -> Option<Value> {
    let Source::Base64(data) = &media.source else {
        return None;
    };
    let format = media
        .media_type
        .as_deref()
        .and_then(|media_type| media_type.strip_prefix("image/"));
    Some(json!({
        "id": id,
        "type": "image_generation_call",
        "status": "completed",
        "output_format": format,
        "result": data,
    }))
}

/// The same of a picture that stands beside a message of chat completions.
pub(super) fn shown_picture(id: &str, image: &Value) -> Option<Value> {
    let url = image.pointer("/image_url/url")?.as_str()?;
    picture_item(id, &Media::from_url(url))
}
