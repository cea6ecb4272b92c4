//! The formats in which callers ask, each with its official SDK's operations.

use serde_json::{Value, json};

use crate::fixtures::Fixture;
use crate::said::{Said, anthropic, chat, responses};

/// A format of the client API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's messages.
    Messages,
    /// OpenAI's responses.
    Responses,
}

impl Caller {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Messages, Self::Responses];

    /// The path of the endpoint.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// Whether a recorded answer is in this format.
    pub fn is_native(self, fixture: &Fixture) -> bool {
        let endpoint = match self {
            Self::Chat => "chat_completions",
            Self::Messages => "messages",
            Self::Responses => "responses",
        };
        fixture.endpoint == endpoint
    }

    /// A question of one message, to a model that may call `tools`.
    pub fn ask(self, model: &str, tools: &[&str]) -> Value {
        let hello = json!([{"role": "user", "content": "Hello"}]);
        let anything = json!({"type": "object", "additionalProperties": true});
        let each = |tool: &dyn Fn(&str) -> Value| -> Value {
            tools.iter().map(|name| tool(name)).collect()
        };
        let (mut request, tools) = match self {
            Self::Chat => (
                json!({"model": model, "messages": hello}),
                each(&|name| {
                    let function = json!({"name": name, "parameters": anything});
                    json!({"type": "function", "function": function})
                }),
            ),
            Self::Messages => (
                json!({"model": model, "messages": hello, "max_tokens": 4096}),
                each(&|name| json!({"name": name, "input_schema": anything})),
            ),
            Self::Responses => (
                json!({"model": model, "input": "Hello"}),
                each(&|name| {
                    json!({
                        "type": "function",
                        "name": name,
                        "parameters": anything,
                        "strict": false,
                    })
                }),
            ),
        };
        if tools != json!([]) {
            request["tools"] = tools;
        }
        request
    }

    /// The operations that ask for a whole answer, or for a stream.
    pub fn ops(self, stream: bool) -> &'static [&'static str] {
        match (self, stream) {
            (Self::Chat, false) => &["chat"],
            (Self::Chat, true) => &["chat_stream", "chat_stream_helper"],
            (Self::Messages, false) => &["messages"],
            (Self::Messages, true) => &["messages_stream", "messages_stream_helper"],
            (Self::Responses, false) => &["responses"],
            (Self::Responses, true) => &["responses_stream", "responses_stream_helper"],
        }
    }

    /// What the result of one of [`ops`](Self::ops) says, or the exception.
    pub fn read(self, result: &Value) -> Result<Said, String> {
        let Some(read) = result.get("ok") else {
            let error = &result["error"];
            return Err(format!("{}: {}", error["class"], error["message"]));
        };
        let whole = match self {
            Self::Chat => chat::whole,
            Self::Messages => anthropic::whole,
            Self::Responses => responses::whole,
        };
        let stream = match self {
            Self::Chat => chat::stream,
            Self::Messages => anthropic::stream,
            Self::Responses => responses::stream,
        };
        Ok(match (read.as_array(), read.get("final")) {
            (Some(events), _) => stream(events),
            (None, Some(last)) => whole(last),
            (None, None) => whole(read),
        })
    }
}
