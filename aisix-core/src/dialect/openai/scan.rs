use std::ops::Range;

use memchr::memmem;

use super::error::{decode, read_reported, undecodable};
use super::usage::{TOKENS_OF_CHAT, read_usage};
use crate::conversation::FinishReason;
use crate::dialect::{EventHead, ResponseHead};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Cursor, Raw, SyntaxError};

/// Looks at a whole answer: its model, its usage, and why the first choice ended.
pub(super) fn scan_response(body: &[u8]) -> Result<ResponseHead> {
    let mut head = ResponseHead::default();
    let mut reported = None;
    let mut is_answer = false;
    let mut cursor = Cursor::new(body).map_err(undecodable)?;
    let walked = cursor.members::<SyntaxError>(|name, value| {
        match name {
            "model" => head.model = string_span(value)?,
            "usage" => head.usage = read_usage(value, &TOKENS_OF_CHAT)?,
            "choices" => {
                is_answer = true;
                head.finish = first_finish(&value.raw()?);
            }
            "data" => is_answer = true,
            "error" => reported = Some(value.raw()?).filter(|raw| !raw.is_null()),
            _ => {}
        }
        Ok(())
    });
    walked.and_then(|()| cursor.end()).map_err(undecodable)?;
    match reported {
        Some(raw) if !is_answer => Err(read_reported(decode(raw.as_json().as_bytes())?)),
        _ if !is_answer => Err(Error::new(
            ErrorKind::UpstreamDecode,
            "The upstream's answer holds neither choices nor data.",
        )),
        _ => Ok(head),
    }
}

/// Looks at the data of one event of a chat, or of a legacy completion.
pub(super) fn scan_event(data: &[u8]) -> Result<EventHead> {
    let mut head = EventHead::default();
    if data.starts_with(b"[DONE]") {
        head.is_done = true;
        return Ok(head);
    }
    let mut choices = None;
    let mut reported = None;
    let mut before = None;
    let mut cursor = Cursor::new(data).map_err(undecodable)?;
    let walked = cursor.members::<SyntaxError>(|name, value| {
        match name {
            "model" => head.model = string_span(value)?,
            "usage" => {
                head.usage = read_usage(value, &TOKENS_OF_CHAT)?;
                if head.usage.is_none() {
                    value.raw()?;
                }
                head.usage_span = Some(removal(data, before, value.at()));
            }
            "choices" => choices = Some(value.raw()?),
            "error" => reported = Some(value.raw()?).filter(|raw| !raw.is_null()),
            _ => {
                value.raw()?;
            }
        }
        before = Some(value.at());
        Ok(())
    });
    walked.and_then(|()| cursor.end()).map_err(undecodable)?;
    if let Some(raw) = reported {
        head.error = Some(read_reported(decode(raw.as_json().as_bytes())?));
    }
    let has_choices = match choices {
        Some(choices) => scan_choices(&choices, &mut head)?,
        None => false,
    };
    head.is_usage_only = head.usage.is_some() && !has_choices;
    Ok(head)
}

/// Where a string stands, its quotes included.
fn string_span(value: &mut Cursor<'_>) -> Result<Option<Range<usize>>, SyntaxError> {
    let raw = value.raw()?;
    Ok(raw.is_string().then(|| raw.span()))
}

/// Looks at the choices of one event; whether there are any.
fn scan_choices(choices: &Raw<'_>, head: &mut EventHead) -> Result<bool> {
    if let Some(length) = plain_delta(choices.as_json().as_bytes()) {
        head.content_bytes = length;
        return Ok(true);
    }
    let mut any = false;
    for choice in choices.elements().into_iter().flatten() {
        any = true;
        let choice = choice.map_err(undecodable)?;
        for member in choice.members().into_iter().flatten() {
            let member = member.map_err(undecodable)?;
            let raw = member.raw();
            match &*member.key {
                "finish_reason" => head.is_finish |= !raw.is_null(),
                "delta" => head.content_bytes += content_bytes(&raw)?,
                // The whole of a chunk of legacy completions.
                "text" => {
                    let text = raw.as_json().as_bytes().strip_prefix(b"\"");
                    head.content_bytes += text.map_or(0, text_length);
                }
                _ => {}
            }
        }
    }
    Ok(any)
}

/// The length of what these choices say, if they are as nearly every chunk has them: text or
/// arguments, and no end. This spares a second walk through them.
///
/// An unescaped quote inside valid JSON begins or ends a string, so that what is found with its
/// quotes is a member, never the text of one. Any other spelling is left to the walk.
fn plain_delta(choices: &[u8]) -> Option<usize> {
    let finish = memmem::find(choices, br#""finish_reason""#);
    if finish.is_some_and(|at| &choices[at..] != br#""finish_reason":null}]"#) {
        return None;
    }
    let text = match choices.strip_prefix(br#"[{"index":0,"delta":{"content":""#) {
        Some(text) => text,
        None => {
            let at = memmem::find(choices, ARGUMENTS)?;
            &choices[at + ARGUMENTS.len()..]
        }
    };
    Some(text_length(text)).filter(|length| *length > 0)
}

/// The length of the string that goes on here, up to its closing quote.
pub(super) fn text_length(text: &[u8]) -> usize {
    let mut ends = memchr::memchr_iter(b'"', text);
    let closing = ends.find(|&at| {
        let escapes = text[..at]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        escapes % 2 == 0
    });
    closing.unwrap_or(text.len())
}

/// The length of what a delta says.
fn content_bytes(delta: &Raw<'_>) -> Result<usize> {
    let mut length = 0;
    for member in delta.members().into_iter().flatten() {
        let member = member.map_err(undecodable)?;
        let raw = member.raw();
        match &*member.key {
            "content" | "reasoning_content" | "reasoning" | "refusal" | "tool_calls"
            | "function_call" | "audio"
                if !raw.is_null() && !raw.is_empty() =>
            {
                let json = raw.as_json().as_bytes();
                length += match (json, memmem::find(json, ARGUMENTS)) {
                    ([b'"', text @ ..], _) => text_length(text),
                    // The opening of a call is a token or two.
                    (_, Some(at)) => text_length(&json[at + ARGUMENTS.len()..]).max(1),
                    (_, None) => 1,
                };
            }
            _ => {}
        }
    }
    Ok(length)
}

/// The first reason that stands in the choices: an unescaped quote begins or ends a string, so that
/// what is found with its quotes is a member, never the text of one.
fn first_finish(choices: &Raw<'_>) -> Option<FinishReason> {
    const NAME: &str = r#""finish_reason""#;
    let text = choices.as_json();
    let at = memmem::find(text.as_bytes(), NAME.as_bytes())?;
    let value = text[at + NAME.len()..].trim_start().strip_prefix(':')?;
    let (reason, _) = value.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(super::chat::read_finish(reason))
}

/// What to cut so that a member is gone and the rest is still an object: the member and the comma
/// before it, or for the first one the comma behind it.
fn removal(data: &[u8], before: Option<usize>, end: usize) -> Range<usize> {
    if let Some(before) = before {
        return before..end;
    }
    let start = memchr::memchr(b'{', data).map_or(0, |brace| brace + 1);
    let space = data[end..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let comma = usize::from(data.get(end + space) == Some(&b','));
    start..end + (space + comma) * comma
}

const ARGUMENTS: &[u8] = br#""arguments":""#;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::conversation::Usage;

    const CHUNK: &[u8] = br#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}"#;

    fn without(data: &[u8], span: Range<usize>) -> Value {
        let mut cut = data.to_vec();
        cut.drain(span);
        serde_json::from_slice(&cut).unwrap()
    }

    #[test]
    fn finds_the_model_and_the_content_of_a_chunk() {
        let head = scan_event(CHUNK).unwrap();
        assert_eq!(&CHUNK[head.model.unwrap()], br#""gpt-4o""#);
        assert!(head.content_bytes == 2 && !head.is_finish && !head.is_usage_only);
        assert!(head.usage.is_none());
        let cut = without(CHUNK, head.usage_span.unwrap());
        assert!(cut.get("usage").is_none() && cut.get("model").is_some());
    }

    #[test]
    fn tells_the_usage_chunk_from_a_finish_that_carries_usage() {
        let extra = br#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        let head = scan_event(extra).unwrap();
        assert!(head.is_usage_only);
        assert_eq!(head.usage, Some(Usage::new(1, 2)));

        let finish =
            br#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#;
        let head = scan_event(finish).unwrap();
        assert!(head.is_finish && !head.is_usage_only && head.content_bytes == 0);
    }

    #[test]
    fn the_usage_can_be_cut_wherever_it_stands() {
        for data in [
            &br#"{"usage":null,"a":1}"#[..],
            br#"{ "usage" : {} , "a" : 1 }"#,
            br#"{"a":1,"usage":null}"#,
            br#"{"a":1 , "usage":{} }"#,
            br#"{"b":2,"usage":null,"a":1}"#,
        ] {
            let span = scan_event(data).unwrap().usage_span.unwrap();
            assert_eq!(without(data, span)["a"], 1);
        }
        let span = scan_event(br#"{"usage":null}"#)
            .unwrap()
            .usage_span
            .unwrap();
        assert_eq!(without(br#"{"usage":null}"#, span), serde_json::json!({}));
    }

    #[test]
    fn an_event_may_report_a_failure() {
        let head = scan_event(br#"{"error":{"message":"10.0.0.7 died","type":"server_error"}}"#);
        let error = head.unwrap().error.unwrap();
        assert_eq!(error.kind(), ErrorKind::UpstreamError);
        assert!(!error.message().contains("10.0.0.7"));
    }

    #[test]
    fn the_end_is_no_json() {
        assert!(scan_event(b"[DONE]").unwrap().is_done);
        assert_eq!(
            scan_event(b"oops").unwrap_err().kind(),
            ErrorKind::UpstreamDecode
        );
    }

    #[test]
    fn words_inside_the_text_are_not_mistaken() {
        let data = br#"{"choices":[{"delta":{"role":"assistant","content":""},"note":"\"finish_reason\":\"stop\"","finish_reason":null}]}"#;
        let head = scan_event(data).unwrap();
        assert!(!head.is_finish && head.content_bytes == 0);
    }

    #[test]
    fn the_short_way_sees_what_the_walk_sees() {
        let head = |choices: &str| {
            let head = scan_event(format!(r#"{{"choices":{choices}}}"#).as_bytes()).unwrap();
            (head.content_bytes > 0, head.is_finish)
        };
        for (choices, expected) in [
            (
                r#"[{"delta":{"content":"a"},"finish_reason":null}]"#,
                (true, false),
            ),
            (r#"[{"delta":{"content":"a"}}]"#, (true, false)),
            (
                r#"[{"delta":{"content":"a"},"finish_reason":"stop"}]"#,
                (true, true),
            ),
            (
                r#"[{"delta":{"content":""},"finish_reason":null}]"#,
                (false, false),
            ),
            (
                r#"[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]"#,
                (true, false),
            ),
            (
                r#"[{"delta":{"reasoning":"a"},"finish_reason":null}]"#,
                (true, false),
            ),
            (
                r#"[{"delta":{"content":"a"},"finish_reason":"stop"},{"delta":{},"finish_reason":null}]"#,
                (true, true),
            ),
            (
                r#"[{"delta":{"content":"\"finish_reason\":"},"finish_reason":null}]"#,
                (true, false),
            ),
            (
                r#"[ { "delta" : { "content" : "a" } , "finish_reason" : null } ]"#,
                (true, false),
            ),
        ] {
            assert_eq!(head(choices), expected, "{choices}");
        }
    }

    #[test]
    fn an_answer_tells_its_model_usage_and_end() {
        let body = br#"{"model":"m","choices":[{"message":{"content":"x"},"finish_reason":"length"}],"usage":{"prompt_tokens":4,"completion_tokens":1}}"#;
        let head = scan_response(body).unwrap();
        assert_eq!(&body[head.model.unwrap()], br#""m""#);
        assert_eq!(head.finish, Some(FinishReason::Length));
        assert_eq!(head.usage, Some(Usage::new(4, 1)));
    }

    #[test]
    fn a_failure_inside_a_success_is_a_failure() {
        let error = scan_response(br#"{"error":{"message":"no","type":"invalid_request_error"}}"#);
        assert_eq!(error.unwrap_err().status(), 400);
        for body in [&b"<html>"[..], b"", b"{}", b"[]"] {
            let error = scan_response(body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UpstreamDecode);
        }
    }
}
