//! Canned words of Anthropic's formats.

use serde_json::{Value, json};

use crate::upstream::Answer;

/// What the upstream calls its model.
pub const CLAUDE: &str = "claude-opus-4-5-20251101";

/// A request of one message.
pub fn ask(model: &str, text: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": text}],
    })
}

/// A whole answer that used `input` + `output` tokens.
pub fn message(text: &str, input: u64, output: u64) -> Value {
    let mut message = empty(input);
    message["content"] = json!([{"type": "text", "text": text}]);
    message["stop_reason"] = json!("end_turn");
    message["usage"]["output_tokens"] = json!(output);
    message
}

/// The first event of a stream.
pub fn start(input: u64) -> Value {
    json!({"type": "message_start", "message": empty(input)})
}

/// The event that opens the first block, a text.
pub fn block() -> Value {
    let block = json!({"type": "text", "text": ""});
    json!({"type": "content_block_start", "index": 0, "content_block": block})
}

/// A piece of the first block.
pub fn text(text: &str) -> Value {
    let delta = json!({"type": "text_delta", "text": text});
    json!({"type": "content_block_delta", "index": 0, "delta": delta})
}

/// The last events of a stream.
pub fn stop(output: u64) -> [Value; 3] {
    let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
    [
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": delta,
            "usage": {"output_tokens": output},
        }),
        json!({"type": "message_stop"}),
    ]
}

/// The event that says that something went wrong, also the body of an answer that says so.
pub fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// A stream of one text.
pub fn stream(text: &str, input: u64, output: u64) -> Answer {
    let begin = [start(input), block(), self::text(text)];
    events(begin.into_iter().chain(stop(output)))
}

/// An event stream of these events, each its own frame.
pub fn events<I: IntoIterator<Item = Value>>(events: I) -> Answer {
    events.into_iter().fold(Answer::stream(), |answer, event| {
        let kind = event["type"].as_str().expect("an event has a type");
        answer.send(format!("event: {kind}\ndata: {event}\n\n"))
    })
}

fn empty(input: u64) -> Value {
    json!({
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": CLAUDE,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": input, "output_tokens": 1},
    })
}
