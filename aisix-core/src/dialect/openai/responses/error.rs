//! Failures. Whole answers have the shape of chat completions; streams have events of their own.

use bytes::{BufMut, BytesMut};
use serde_json::{Value, json};

use super::wire;
use crate::dialect::openai::error::{read_reported, write_error};
use crate::error::Error;
use crate::sse;

/// Reads the `error` of an answer that failed, or of an event.
///
/// What the vendor finds wrong with the request has a code and no type here.
pub(super) fn read_failure(mut error: Value) -> Error {
    let is_callers = error
        .get("code")
        .and_then(Value::as_str)
        .is_some_and(|code| CALLERS_FAULT.iter().any(|word| code.contains(word)));
    if is_callers && error.get("type").is_none_or(Value::is_null) {
        error["type"] = "invalid_request_error".into();
    }
    read_reported(error)
}

/// Reads an `error` event, which the specification has flat and the traffic nested.
pub(super) fn read_event(event: wire::Event) -> Error {
    let error = event.error.unwrap_or_else(
        || json!({"message": event.message, "code": event.code, "param": event.param}),
    );
    read_failure(error)
}

/// Writes the event by which OpenAI tells a failure: with the words flat, as its specification has
/// them, and nested, where the SDKs look for them.
pub(super) fn write_event(error: &Error, sequence_number: Option<u64>, out: &mut BytesMut) {
    let mut nested = BytesMut::new();
    write_error(error, &mut nested);
    let mut flat = json!({"type": "error"});
    if let Some(number) = sequence_number {
        flat["sequence_number"] = number.into();
    }
    flat["code"] = error.code().into();
    flat["message"] = error.message().into();
    flat["param"] = error.param().into();
    // Both are objects: the members of the one go on with those of the other.
    let flat = flat.to_string();
    let mut data = BytesMut::from(flat.strip_suffix('}').unwrap_or(&flat));
    data.put_u8(b',');
    data.put_slice(nested.strip_prefix(b"{").unwrap_or(&nested));
    sse::write_event(out, Some("error"), &data);
}

/// Writes the `error` of an answer that failed.
pub(super) fn failure(error: &Error) -> Value {
    json!({"code": error.code().unwrap_or("server_error"), "message": error.message()})
}

/// What codes that blame the request have in common.
const CALLERS_FAULT: &[&str] = &[
    "invalid_",
    "image",
    "policy",
    "unsupported_",
    "context_length",
];
