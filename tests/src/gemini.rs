//! Canned words of Gemini's format.

use serde_json::{Value, json};

/// What the upstream calls its model.
pub const GEMINI: &str = "gemini-3-flash-preview";

/// A whole answer that used `input` + `output` tokens.
pub fn answer(text: &str, input: u64, output: u64) -> Value {
    answer_of(&json!([{"text": text}]), input, output)
}

/// A whole answer of these parts.
pub fn answer_of(parts: &Value, input: u64, output: u64) -> Value {
    json!({
        "candidates": [{
            "content": {"role": "model", "parts": parts},
            "finishReason": "STOP",
            "index": 0,
        }],
        "usageMetadata": {
            "promptTokenCount": input,
            "candidatesTokenCount": output,
            "totalTokenCount": input + output,
        },
        "modelVersion": GEMINI,
        "responseId": "response-1",
    })
}

/// An error body.
pub fn error(code: u16, status: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "status": status}})
}
