//! A gateway in front of three vendors, each of which speaks its own language.

use serde_json::{Value, json};

use crate::anthropic::{self, CLAUDE};
use crate::gemini::{self, GEMINI};
use crate::openai;
use crate::resources::{KEY, Resources, UPSTREAM_MODEL};
use crate::server::{Builder, Server};
use crate::upstream::{Answer, Recorded, Upstream};

/// One of the vendors. All three play what one upstream's script says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Asked for chat completions, as by the name of any vendor that speaks OpenAI's language.
    OpenAi,
    /// Asked for messages.
    Anthropic,
    /// Asked to generate content.
    Gemini,
}

impl Vendor {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// What callers name its model.
    pub fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "team/gpt",
            Self::Anthropic => "team/claude",
            Self::Gemini => "team/gemini",
        }
    }

    /// What the vendor names it.
    pub fn upstream_model(self) -> &'static str {
        match self {
            Self::OpenAi => UPSTREAM_MODEL,
            Self::Anthropic => CLAUDE,
            Self::Gemini => GEMINI,
        }
    }

    /// An answer in its language.
    pub fn says(self, text: &str, input: u64, output: u64) -> Answer {
        let answer = match self {
            Self::OpenAi => openai::completion(text, input, output),
            Self::Anthropic => anthropic::message(text, input, output),
            Self::Gemini => gemini::answer(text, input, output),
        };
        Answer::json(answer.to_string())
    }

    /// A stream in its language that breaks off after one word.
    pub fn breaks_off(self, text: &str) -> Answer {
        let stream = match self {
            Self::OpenAi => Answer::stream()
                .event(&openai::role())
                .event(&openai::text(text)),
            Self::Anthropic => anthropic::events([
                anthropic::start(3),
                anthropic::block(),
                anthropic::text(text),
            ]),
            Self::Gemini => {
                let mut begun = gemini::answer(text, 3, 1);
                begun["candidates"][0]["finishReason"] = Value::Null;
                Answer::stream().event(&begun)
            }
        };
        stream.cut()
    }

    /// An answer in its language that refuses the request with `status`.
    pub fn refuses(self, status: u16, message: &str) -> Answer {
        let error = match self {
            Self::OpenAi => openai::error(message, "invalid_request_error", None, None),
            Self::Anthropic => anthropic::error(anthropic_type(status), message),
            Self::Gemini => gemini::error(status, "INVALID_ARGUMENT", message),
        };
        Answer::error(status, &error)
    }
}

/// One model of each vendor on `upstream`, and a key that may use them all.
pub fn resources(upstream: &Upstream) -> Resources {
    let base = upstream.api_base();
    Resources::empty()
        .provider_key("openai", "openai-compatible", &base)
        .provider_key("anthropic", "anthropic", &base)
        .provider_key("gemini", "gemini", &base)
        .model(Vendor::OpenAi.model(), "openai", UPSTREAM_MODEL)
        .model(Vendor::Anthropic.model(), "anthropic", CLAUDE)
        .model(Vendor::Gemini.model(), "gemini", GEMINI)
        .api_key(KEY, &["*"], json!({}))
}

/// An upstream, and the gateway in front of it.
pub async fn start() -> (Upstream, Server) {
    start_with(|builder| builder).await
}

/// The same, with another configuration.
pub async fn start_with(configure: impl FnOnce(Builder) -> Builder) -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let builder = Server::builder().resources(&resources(&upstream));
    let server = configure(builder).start().await;
    (upstream, server)
}

/// A stream of one text, `It passes now.`, in the language of the vendor whose model this is.
pub fn stream_of(model: &str) -> Answer {
    const TEXT: &str = "It passes now.";
    match Vendor::ALL.iter().find(|vendor| vendor.model() == model) {
        Some(Vendor::Anthropic) => anthropic::stream(TEXT, 3, 2),
        Some(Vendor::Gemini) => Answer::stream().event(&gemini::answer(TEXT, 3, 2)),
        _ => Answer::events([
            openai::role(),
            openai::text(TEXT),
            openai::finish("stop"),
            openai::usage_chunk(3, 2),
        ]),
    }
}

/// A call of the last tool that the request declares, streamed if it asks so.
pub fn calls_last_tool(vendor: Vendor, request: &Recorded) -> Answer {
    let (uri, request) = (&request.uri, request.json());
    let last = |list: &Value| list.as_array().and_then(|list| list.last().cloned());
    match vendor {
        Vendor::OpenAi => {
            let tool = last(&request["tools"]).expect("tools");
            let function = json!({
                "name": tool["function"]["name"],
                "arguments": r#"{"query":"parser"}"#,
            });
            let call = json!({"id": "call_9", "type": "function", "function": function});
            if request["stream"] == true {
                let mut piece = call;
                piece["index"] = json!(0);
                return Answer::events([
                    openai::role(),
                    openai::delta(json!({"tool_calls": [piece]})),
                    openai::finish("tool_calls"),
                ]);
            }
            let mut answer = openai::completion("", 3, 2);
            answer["choices"][0]["message"]["content"] = Value::Null;
            answer["choices"][0]["message"]["tool_calls"] = json!([call]);
            answer["choices"][0]["finish_reason"] = json!("tool_calls");
            Answer::json(answer.to_string())
        }
        Vendor::Gemini => {
            let declared = &request["tools"][0]["functionDeclarations"];
            let name = &last(declared).expect("declarations")["name"];
            let call = json!({"name": name, "args": {"query": "parser"}});
            let answer = gemini::answer_of(&json!([{"functionCall": call}]), 3, 2);
            if uri.path().ends_with(":streamGenerateContent") {
                Answer::stream().event(&answer)
            } else {
                Answer::json(answer.to_string())
            }
        }
        Vendor::Anthropic => unreachable!("names of tools need no change there"),
    }
}

/// A stream of OpenAI's responses that says `text`.
pub fn responses_stream(text: &str) -> Answer {
    let response = |status: &str, output: Value| {
        json!({
            "id": "resp_1",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": status,
            "model": UPSTREAM_MODEL,
            "output": output,
            "parallel_tool_calls": true,
            "tool_choice": "auto",
            "tools": [],
            "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        })
    };
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |status: &str, content: Value| {
        json!({
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        })
    };
    let done = item("completed", json!([part(text)]));
    let events = [
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({
            "type": "response.output_item.added",
            "output_index": 0,
            "item": item("in_progress", json!([])),
        }),
        at_text(json!({"type": "response.content_part.added", "part": part("")})),
        at_text(json!({"type": "response.output_text.delta", "delta": text})),
        at_text(json!({"type": "response.output_text.done", "text": text})),
        at_text(json!({"type": "response.content_part.done", "part": part(text)})),
        json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        json!({"type": "response.completed", "response": response("completed", json!([done]))}),
    ];
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = json!(number);
        event
    });
    anthropic::events(numbered)
}

fn at_text(mut event: Value) -> Value {
    event["item_id"] = json!("msg_1");
    event["output_index"] = json!(0);
    event["content_index"] = json!(0);
    event
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        _ => "invalid_request_error",
    }
}
