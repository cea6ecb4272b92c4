use std::ops::Range;

use super::error::read_failure;
use super::is_preamble;
use super::response::read_reason;
use crate::conversation::{FinishReason, Usage};
use crate::dialect::openai::error::{decode, undecodable};
use crate::dialect::openai::scan::text_length;
use crate::dialect::openai::usage::{TOKENS_OF_RESPONSES, read_usage};
use crate::dialect::{EventHead, ResponseHead};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Cursor, Raw, SyntaxError};

/// What an answer says beside its items.
#[derive(Default)]
struct Seen<'a> {
    model: Option<Range<usize>>,
    usage: Option<Usage>,
    status: Option<Raw<'a>>,
    reason: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    output: Option<Raw<'a>>,
}

/// Looks at a whole answer: its model, its usage, and why it ended.
pub(super) fn scan_response(body: &[u8]) -> Result<ResponseHead> {
    let mut seen = Seen::default();
    let mut cursor = Cursor::new(body).map_err(undecodable)?;
    let walked = seen.read(&mut cursor);
    walked.and_then(|()| cursor.end()).map_err(undecodable)?;
    if let Some(error) = seen.failure()? {
        return Err(error);
    }
    if seen.output.is_none() {
        return Err(Error::new(
            ErrorKind::UpstreamDecode,
            "The upstream's answer holds no output.",
        ));
    }
    Ok(ResponseHead {
        finish: seen.finish(),
        model: seen.model,
        usage: seen.usage,
    })
}

/// Looks at the data of one event.
pub(super) fn scan_event(data: &[u8]) -> Result<EventHead> {
    let mut head = EventHead::default();
    if data.starts_with(b"[DONE]") {
        head.is_done = true;
        return Ok(head);
    }
    let mut seen = Seen::default();
    let (mut kind, mut delta, mut nested, mut words) = (None, None, None, [None, None, None]);
    let mut cursor = Cursor::new(data).map_err(undecodable)?;
    let walked = cursor.members::<SyntaxError>(|name, value| {
        match name {
            "type" => kind = Some(value.raw()?),
            "delta" => delta = Some(value.raw()?),
            "response" => seen.read(value)?,
            "error" => nested = Some(value.raw()?).filter(|raw| !raw.is_null()),
            "message" => words[0] = Some(value.raw()?),
            "code" => words[1] = Some(value.raw()?),
            "param" => words[2] = Some(value.raw()?),
            _ => {}
        }
        Ok(())
    });
    walked.and_then(|()| cursor.end()).map_err(undecodable)?;
    let kind = kind.as_ref().and_then(Raw::to_text).unwrap_or_default();
    head.error = match &*kind {
        "error" => Some(reported(nested.as_ref(), words)?),
        // Some vendors report a failure as chat completions do.
        "" => nested.map(|raw| failure(&raw)).transpose()?,
        "response.failed" => Some(match seen.failure()? {
            Some(error) => error,
            None => read_failure(serde_json::Value::Null),
        }),
        _ => None,
    };
    head.is_finish = matches!(&*kind, "response.completed" | "response.incomplete");
    head.is_done = head.is_finish;
    head.is_preamble = is_preamble(&kind);
    head.is_opening = kind == "response.output_item.added";
    head.model = seen.model;
    head.usage = seen.usage;
    if kind.ends_with(".delta") {
        let text = delta.and_then(|raw| raw.as_json().as_bytes().strip_prefix(b"\""));
        head.content_bytes = text.map_or(0, text_length);
    }
    Ok(head)
}

impl<'a> Seen<'a> {
    fn read(&mut self, response: &mut Cursor<'a>) -> std::result::Result<(), SyntaxError> {
        response.members::<SyntaxError>(|name, value| {
            match name {
                "model" => {
                    let raw = value.raw()?;
                    self.model = raw.is_string().then(|| raw.span());
                }
                "usage" => self.usage = read_usage(value, &TOKENS_OF_RESPONSES)?,
                "status" => self.status = Some(value.raw()?),
                "incomplete_details" => value.members::<SyntaxError>(|name, value| {
                    if name == "reason" {
                        self.reason = Some(value.raw()?);
                    }
                    Ok(())
                })?,
                "error" => self.error = Some(value.raw()?).filter(|raw| !raw.is_null()),
                "output" => self.output = Some(value.raw()?).filter(Raw::is_array),
                _ => {}
            }
            Ok(())
        })
    }

    /// The failure, if the answer is one.
    fn failure(&self) -> Result<Option<Error>> {
        let has_failed = self.output.is_none() || self.status_is("failed");
        match self.error.as_ref().filter(|_| has_failed) {
            Some(raw) => failure(raw).map(Some),
            None => Ok(None),
        }
    }

    fn finish(&self) -> Option<FinishReason> {
        let status = self.status.as_ref().and_then(Raw::to_text);
        match status.as_deref() {
            Some("incomplete") => {
                let reason = self.reason.as_ref().and_then(Raw::to_text);
                Some(read_reason(reason.as_deref()))
            }
            Some("completed") | None if self.has_calls() => Some(FinishReason::ToolCalls),
            Some("completed") | None => Some(FinishReason::Stop),
            Some("queued" | "in_progress") => None,
            Some(other) => Some(FinishReason::Other(other.to_owned())),
        }
    }

    fn has_calls(&self) -> bool {
        let items = self.output.as_ref().and_then(Raw::elements);
        items.into_iter().flatten().flatten().any(|item| {
            let members = item.members().into_iter().flatten().flatten();
            members.filter(|member| member.key == "type").any(|member| {
                matches!(
                    member.raw().to_text().as_deref(),
                    Some("function_call" | "custom_tool_call")
                )
            })
        })
    }

    fn status_is(&self, word: &str) -> bool {
        let status = self.status.as_ref().and_then(Raw::to_text);
        status.as_deref() == Some(word)
    }
}

fn failure(raw: &Raw<'_>) -> Result<Error> {
    Ok(read_failure(decode(raw.as_json().as_bytes())?))
}

/// An `error` event, nested or flat.
fn reported(nested: Option<&Raw<'_>>, words: [Option<Raw<'_>>; 3]) -> Result<Error> {
    if let Some(raw) = nested {
        return failure(raw);
    }
    let [message, code, param] = words.map(|word| word.as_ref().and_then(Raw::to_text));
    Ok(read_failure(
        serde_json::json!({"message": message, "code": code, "param": param}),
    ))
}
