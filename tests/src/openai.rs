//! Canned words of OpenAI's formats.

use serde_json::{Value, json};

use crate::resources::{MODEL, UPSTREAM_MODEL};
use crate::upstream::{Answer, Gate};

/// A chat request of one message.
pub fn ask(text: &str) -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": text}]})
}

/// The same, streamed.
pub fn ask_stream(text: &str) -> Value {
    let mut request = ask(text);
    request["stream"] = json!(true);
    request
}

/// The same, with a usage chunk at the end.
pub fn ask_stream_with_usage(text: &str) -> Value {
    let mut request = ask_stream(text);
    request["stream_options"] = json!({"include_usage": true});
    request
}

/// A whole answer that used `input` + `output` tokens.
pub fn completion(text: &str, input: u64, output: u64) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": UPSTREAM_MODEL,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(input, output),
    })
}

/// The usage object.
pub fn usage(input: u64, output: u64) -> Value {
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
    })
}

/// A chunk with this delta.
pub fn delta(delta: Value) -> Value {
    chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]))
}

/// A chunk of text.
pub fn text(text: &str) -> Value {
    delta(json!({"content": text}))
}

/// The first chunk.
pub fn role() -> Value {
    delta(json!({"role": "assistant", "content": "", "refusal": null}))
}

/// The last chunk of a choice.
pub fn finish(reason: &str) -> Value {
    chunk(json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason}]))
}

/// A stream that has begun, and ends when `gate` opens.
pub fn held_by(gate: &Gate) -> Answer {
    Answer::stream()
        .event(&role())
        .wait(gate)
        .event(&finish("stop"))
        .done()
}

/// The extra chunk that carries only usage.
pub fn usage_chunk(input: u64, output: u64) -> Value {
    let mut chunk = chunk(json!([]));
    chunk["usage"] = usage(input, output);
    chunk
}

/// A chunk of these choices.
pub fn chunk(choices: Value) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": UPSTREAM_MODEL,
        "choices": choices,
    })
}

/// An embeddings answer.
pub fn embeddings(embedding: Value, tokens: u64) -> Value {
    json!({
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
}

/// An error body.
pub fn error(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}
