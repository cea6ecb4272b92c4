//! The event that most events are, read without building a tree.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{Cursor, SyntaxError};

/// One more text of one candidate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    pub(super) index: u32,
    pub(super) text: Cow<'a, str>,
    /// Where the counts stand.
    pub(super) usage: Option<Range<usize>>,
}

#[derive(Default)]
struct Seen<'a> {
    candidates: usize,
    parts: usize,
    index: u32,
    text: Option<Cow<'a, str>>,
    usage: Option<Range<usize>>,
    /// Something that is not plain.
    has_more: bool,
}

/// Reads an event that says nothing but a text; `None` for any other, and for nonsense.
pub(super) fn read_plain(data: &[u8]) -> Option<Plain<'_>> {
    let mut seen = Seen::default();
    let mut cursor = Cursor::new(data).ok()?;
    if !cursor.is_object() {
        return None;
    }
    cursor
        .members::<SyntaxError>(|name, value| {
            match name {
                "candidates" => value.elements::<SyntaxError>(|candidate| {
                    seen.candidates += 1;
                    candidate.members::<SyntaxError>(|name, value| seen.candidate(name, value))
                })?,
                "usageMetadata" => {
                    let raw = value.raw()?;
                    seen.has_more |= !raw.is_object();
                    seen.usage = Some(raw.span());
                }
                // Every event says these again.
                "modelVersion" | "responseId" | "createTime" => {}
                _ => seen.has_more = true,
            }
            Ok(())
        })
        .ok()?;
    cursor.end().ok()?;
    if seen.has_more || seen.candidates != 1 || seen.parts != 1 {
        return None;
    }
    Some(Plain {
        index: seen.index,
        text: seen.text.filter(|text| !text.is_empty())?,
        usage: seen.usage,
    })
}

impl<'a> Seen<'a> {
    fn candidate(&mut self, name: &str, value: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        match name {
            "content" => value.members::<SyntaxError>(|name, value| match name {
                "parts" => value.elements::<SyntaxError>(|part| {
                    self.parts += 1;
                    part.members::<SyntaxError>(|name, value| {
                        self.text = value.raw()?.to_text().filter(|_| name == "text");
                        self.has_more |= self.text.is_none();
                        Ok(())
                    })
                }),
                "role" => Ok(()),
                _ => {
                    self.has_more = true;
                    Ok(())
                }
            })?,
            "index" => match value.raw()?.to_u64().and_then(|at| u32::try_from(at).ok()) {
                Some(index) => self.index = index,
                None => self.has_more = true,
            },
            _ => self.has_more |= !value.raw()?.is_empty(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_alone_is_plain() {
        let event = |part: &str, rest: &str| {
            format!(
                r#"{{"candidates": [{{"content": {{"parts": [{part}], "role": "model"}}, "index": 1{rest}}}], "usageMetadata": {{"a": 1}}, "modelVersion": "m"}}"#
            )
        };
        let text = r#"{"text": "a\nb"}"#;
        let plain = event(text, r#", "groundingMetadata": {}"#);
        let read = read_plain(plain.as_bytes()).unwrap();
        assert_eq!((read.index, &*read.text), (1, "a\nb"));
        assert_eq!(&plain[read.usage.unwrap()], r#"{"a": 1}"#);
        for other in [
            event(text, r#", "finishReason": "STOP""#),
            event(r#"{"text": ""}"#, ""),
            event(r#"{"text": 7}"#, ""),
            event(r#"{"text": "a", "thought": true}"#, ""),
            event(r#"{"thoughtSignature": "x", "text": "a"}"#, ""),
            event(&format!("{text}, {text}"), ""),
            event(r#"{"functionCall": {}}"#, ""),
            r#"{"error": {}}"#.to_owned(),
            "{}".to_owned(),
            "[]".to_owned(),
            "{".to_owned(),
        ] {
            assert_eq!(read_plain(other.as_bytes()), None, "{other}");
        }
    }
}
