//! What a gateway looks at in answers that pass through, without building a tree.

use std::ops::Range;

use super::error::check_reported;
use super::generate::{UNSPECIFIED, read_finish};
use super::usage::read_usage;
use crate::conversation::{FinishReason, Usage};
use crate::dialect::openai::undecodable;
use crate::dialect::{EventHead, ResponseHead};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Cursor, SyntaxError};

/// What the members of an answer, or of an event, say.
#[derive(Default)]
struct Seen {
    model: Option<Range<usize>>,
    usage: Option<Usage>,
    finish: Option<String>,
    content_bytes: usize,
    has_calls: bool,
    is_blocked: bool,
    is_answer: bool,
    has_error: bool,
}

/// Looks at a whole answer.
pub(super) fn scan_response(body: &[u8]) -> Result<ResponseHead> {
    let mut seen = Seen::default();
    if let Err(error) = seen.read(body) {
        check_reported(body)?;
        return Err(undecodable(error));
    }
    if !seen.is_answer {
        check_reported(body)?;
        return Err(Error::new(
            ErrorKind::UpstreamDecode,
            "The upstream's answer holds no candidates.",
        ));
    }
    let mut head = ResponseHead {
        finish: seen.reason(),
        ..ResponseHead::default()
    };
    head.model = seen.model;
    head.usage = seen.usage;
    Ok(head)
}

/// Looks at the data of one event.
pub(super) fn scan_event(data: &[u8]) -> Result<EventHead> {
    let mut seen = Seen::default();
    let walked = seen.read(data);
    let mut head = EventHead::default();
    if walked.is_err() || seen.has_error {
        head.error = check_reported(data).err();
    }
    if head.error.is_none() {
        walked.map_err(undecodable)?;
    }
    head.is_finish = seen.finish.is_some() || seen.is_blocked;
    head.content_bytes = seen.content_bytes;
    head.model = seen.model;
    head.usage = seen.usage;
    Ok(head)
}

impl Seen {
    fn read(&mut self, data: &[u8]) -> std::result::Result<(), SyntaxError> {
        let mut cursor = Cursor::new(data)?;
        if !cursor.is_object() {
            // A list is how errors come where a stream was asked for.
            self.has_error = true;
            cursor.raw()?;
            return cursor.end();
        }
        cursor.members::<SyntaxError>(|name, value| {
            match name {
                "candidates" => {
                    self.is_answer |= value.is_array();
                    value.elements::<SyntaxError>(|candidate| self.candidate(candidate))?;
                }
                "modelVersion" => {
                    let raw = value.raw()?;
                    self.model = raw.is_string().then(|| raw.span());
                }
                "usageMetadata" => self.usage = read_usage(value)?,
                "promptFeedback" => value.members::<SyntaxError>(|name, value| {
                    if name == "blockReason" {
                        self.is_blocked |= !value.raw()?.is_null();
                        self.is_answer |= self.is_blocked;
                    }
                    Ok(())
                })?,
                "error" => self.has_error |= !value.raw()?.is_null(),
                _ => {}
            }
            Ok(())
        })?;
        cursor.end()
    }

    fn candidate(&mut self, candidate: &mut Cursor<'_>) -> std::result::Result<(), SyntaxError> {
        candidate.members::<SyntaxError>(|name, value| {
            match name {
                "content" => value.members::<SyntaxError>(|name, value| match name {
                    "parts" => value.elements::<SyntaxError>(|part| self.part(part)),
                    _ => Ok(()),
                })?,
                "finishReason" => {
                    if let Some(reason) = value.raw()?.to_text()
                        && self.finish.is_none()
                        && reason != UNSPECIFIED
                    {
                        self.finish = Some(reason.into_owned());
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn part(&mut self, part: &mut Cursor<'_>) -> std::result::Result<(), SyntaxError> {
        part.members::<SyntaxError>(|name, value| {
            match name {
                "text" => self.content_bytes += value.raw()?.as_json().len().saturating_sub(2),
                "functionCall" => {
                    self.has_calls = true;
                    self.content_bytes += value.raw()?.as_json().len();
                }
                "inlineData" | "executableCode" | "codeExecutionResult" => self.content_bytes += 1,
                _ => {}
            }
            Ok(())
        })
    }

    fn reason(&self) -> Option<FinishReason> {
        match self.finish.as_deref() {
            Some(reason) => read_finish(reason, self.has_calls, self.content_bytes > 0).ok(),
            None => self.is_blocked.then_some(FinishReason::ContentFilter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_its_model_usage_and_end() {
        let body = br#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1},"modelVersion":"m"}"#;
        let head = scan_response(body).unwrap();
        assert_eq!(&body[head.model.unwrap()], br#""m""#);
        assert_eq!(head.usage, Some(Usage::new(4, 1)));
        assert_eq!(head.finish, Some(FinishReason::ToolCalls));
    }

    #[test]
    fn an_event_tells_what_it_brings() {
        let text = br#"{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"}}]}"#;
        let head = scan_event(text).unwrap();
        assert!(head.content_bytes == 2 && !head.is_finish && head.error.is_none());
        let last = br#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}"#;
        let head = scan_event(last).unwrap();
        assert!(head.content_bytes == 0 && head.is_finish);
        let cut = br#"{"candidates":[{"content":{"parts":[{"text":"H"}]},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#;
        assert!(!scan_event(cut).unwrap().is_finish);
        assert_eq!(scan_response(cut).unwrap().finish, None);
    }

    #[test]
    fn a_blocked_prompt_is_an_answer() {
        let head = scan_response(br#"{"promptFeedback":{"blockReason":"SAFETY"}}"#).unwrap();
        assert_eq!(head.finish, Some(FinishReason::ContentFilter));
    }

    #[test]
    fn a_failure_inside_a_success_is_a_failure() {
        for body in [
            &br#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}"#[..],
            br#"[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]"#,
        ] {
            assert_eq!(scan_response(body).unwrap_err().status(), 429);
            assert_eq!(scan_event(body).unwrap().error.unwrap().status(), 429);
        }
        for body in [&b"<html>"[..], b"", b"{}", b"[]"] {
            let error = scan_response(body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UpstreamDecode);
        }
    }
}
