use std::ops::Range;

use super::error::read_reported;
use super::messages::read_stop;
use super::usage::read_usage;
use crate::dialect::openai::{decode, undecodable};
use crate::dialect::{EventHead, ResponseHead};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Cursor, Raw, SyntaxError};

/// Looks at a whole answer: its model, its usage, and why it ended.
pub(super) fn scan_response(body: &[u8]) -> Result<ResponseHead> {
    let mut head = ResponseHead::default();
    let mut reported = None;
    let mut is_answer = false;
    let mut cursor = Cursor::new(body).map_err(undecodable)?;
    let walked = cursor.members::<SyntaxError>(|name, value| {
        match name {
            "model" => head.model = string_span(value)?,
            "usage" => head.usage = read_usage(value)?,
            "content" => is_answer = value.is_array(),
            "stop_reason" => head.finish = value.raw()?.to_text().map(|text| read_stop(&text)),
            "error" => reported = Some(value.raw()?).filter(|raw| !raw.is_null()),
            _ => {}
        }
        Ok(())
    });
    walked.and_then(|()| cursor.end()).map_err(undecodable)?;
    match reported {
        Some(raw) if !is_answer => Err(report(&raw)?),
        _ if !is_answer => Err(Error::new(
            ErrorKind::UpstreamDecode,
            "The upstream's answer holds no content.",
        )),
        _ => Ok(head),
    }
}

/// Looks at the data of one event.
pub(super) fn scan_event(data: &[u8]) -> Result<EventHead> {
    let mut head = EventHead::default();
    let mut reported = None;
    let mut cursor = Cursor::new(data).map_err(undecodable)?;
    let walked = cursor.members::<SyntaxError>(|name, value| {
        match name {
            "type" => {
                head.is_done = value
                    .raw()?
                    .to_text()
                    .is_some_and(|kind| kind == "message_stop");
            }
            "delta" => scan_delta(value, &mut head)?,
            "content_block" => head.content_bytes = scan_block(value)?,
            "usage" => head.usage = read_usage(value)?,
            "message" => value.members::<SyntaxError>(|name, value| {
                match name {
                    "model" => head.model = string_span(value)?,
                    "usage" => head.usage = read_usage(value)?,
                    _ => {}
                }
                Ok(())
            })?,
            "error" => reported = Some(value.raw()?).filter(|raw| !raw.is_null()),
            _ => {}
        }
        Ok(())
    });
    walked.and_then(|()| cursor.end()).map_err(undecodable)?;
    if let Some(raw) = reported {
        head.error = Some(report(&raw)?);
    }
    Ok(head)
}

/// Only the end of a message has a reason in its delta.
fn scan_delta(delta: &mut Cursor<'_>, head: &mut EventHead) -> Result<(), SyntaxError> {
    delta.members::<SyntaxError>(|name, value| {
        match name {
            "text" | "thinking" | "partial_json" => {
                let raw = value.raw()?;
                head.content_bytes += raw.as_json().len().saturating_sub(2);
            }
            "stop_reason" => head.is_finish = !value.raw()?.is_null(),
            _ => {}
        }
        Ok(())
    })
}

/// The opening of a call is a token or two; any other block begins empty, or is no content.
fn scan_block(block: &mut Cursor<'_>) -> Result<usize, SyntaxError> {
    let mut is_call = false;
    let mut length = 0;
    block.members::<SyntaxError>(|name, value| {
        match name {
            "type" => {
                is_call = value
                    .raw()?
                    .to_text()
                    .is_some_and(|kind| kind == "tool_use");
            }
            "text" | "thinking" | "name" => {
                let raw = value.raw()?;
                length += raw.as_json().len().saturating_sub(2);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(if is_call { length.max(1) } else { length })
}

fn report(raw: &Raw<'_>) -> Result<Error> {
    Ok(read_reported(&decode(raw.as_json().as_bytes())?))
}

/// Where a string stands, its quotes included.
fn string_span(value: &mut Cursor<'_>) -> Result<Option<Range<usize>>, SyntaxError> {
    let raw = value.raw()?;
    Ok(raw.is_string().then(|| raw.span()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{FinishReason, Usage};

    #[test]
    fn an_answer_tells_its_model_usage_and_end() {
        let body = br#"{"type":"message","model":"m","content":[{"type":"text","text":"\"stop_reason\""}],"stop_reason":"max_tokens","usage":{"input_tokens":4,"cache_read_input_tokens":2,"output_tokens":1}}"#;
        let head = scan_response(body).unwrap();
        assert_eq!(&body[head.model.unwrap()], br#""m""#);
        assert_eq!(head.finish, Some(FinishReason::Length));
        assert_eq!(
            head.usage,
            Some(Usage::new(6, 1).with_cached_input_tokens(2))
        );
    }

    #[test]
    fn a_failure_inside_a_success_is_a_failure() {
        let body = br#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#;
        assert_eq!(scan_response(body).unwrap_err().status(), 400);
        for body in [&b"<html>"[..], b"", b"{}", b"[]", br#"{"content":"x"}"#] {
            let error = scan_response(body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UpstreamDecode);
        }
    }

    #[test]
    fn each_event_tells_its_part() {
        let start = br#"{"type":"message_start","message":{"model":"m","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}"#;
        let head = scan_event(start).unwrap();
        assert_eq!(&start[head.model.unwrap()], br#""m""#);
        assert_eq!(head.usage, Some(Usage::new(3, 1)));

        let text = br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#;
        let head = scan_event(text).unwrap();
        assert!(head.content_bytes == 2 && !head.is_finish && !head.is_done);

        let call = br#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#;
        assert_eq!(scan_event(call).unwrap().content_bytes, 1);

        let end = br#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#;
        let head = scan_event(end).unwrap();
        assert!(head.is_finish && head.usage == Some(Usage::new(0, 7)));
        assert!(scan_event(br#"{"type":"message_stop"}"#).unwrap().is_done);
        let ping = scan_event(br#"{"type":"ping"}"#).unwrap();
        assert!(ping.content_bytes == 0 && !ping.is_done && ping.error.is_none());
    }

    #[test]
    fn a_later_event_may_tell_the_input_again_without_its_caches() {
        let merged = |counts: &str, later: &str| {
            let start = format!(r#"{{"type":"message_start","message":{{"usage":{counts}}}}}"#);
            let end = format!(r#"{{"type":"message_delta","delta":{{}},"usage":{later}}}"#);
            let usage = |event: &str| scan_event(event.as_bytes()).unwrap().usage.unwrap();
            usage(&start).updated_by(&usage(&end))
        };
        let read = r#"{"input_tokens":3,"cache_read_input_tokens":20000,"output_tokens":1}"#;
        let expected = Usage::new(20_003, 7).with_cached_input_tokens(20_000);
        for later in [
            r#"{"output_tokens":7}"#,
            r#"{"input_tokens":3,"output_tokens":7}"#,
            r#"{"input_tokens":3,"cache_read_input_tokens":20000,"output_tokens":7}"#,
        ] {
            assert_eq!(merged(read, later), expected, "{later}");
        }
        let both = r#"{"input_tokens":300,"cache_read_input_tokens":20,"cache_creation_input_tokens":5,"output_tokens":1}"#;
        let later = r#"{"input_tokens":300,"cache_read_input_tokens":20,"output_tokens":7}"#;
        let expected = Usage::new(325, 7)
            .with_cached_input_tokens(20)
            .with_cache_write_tokens(5);
        assert_eq!(merged(both, later), expected);
        // Some vendors count only at the end, or count anew what they had guessed.
        let nothing = r#"{"input_tokens":0,"output_tokens":0}"#;
        let end = r#"{"input_tokens":12,"output_tokens":7}"#;
        assert_eq!(merged(nothing, end), Usage::new(12, 7));
        let guess = r#"{"input_tokens":15,"output_tokens":0}"#;
        assert_eq!(merged(guess, end), Usage::new(12, 7));
    }

    #[test]
    fn an_event_may_report_a_failure() {
        let data =
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let error = scan_event(data).unwrap().error.unwrap();
        assert_eq!(error.status(), 503);
        assert_eq!(
            scan_event(b"oops").unwrap_err().kind(),
            ErrorKind::UpstreamDecode
        );
    }
}
