//! Items that are being written.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use serde_json::{Value, json};

use super::super::answer::Call;

use super::super::wire::Rest;
use crate::conversation::ToolCallKind;
use crate::json::write_string;

/// Writes events with their names and numbers.
#[derive(Debug, Default)]
pub(super) struct Frames {
    next: u64,
}

/// Where an event belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) id: &'a str,
    pub(super) output_index: usize,
    /// The name and the number of the place inside the item.
    pub(super) inner: Option<(&'static str, usize)>,
}

/// A message that is not over.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) output_index: usize,
    pub(super) own: Rest,
    pub(super) content: Vec<Value>,
    pub(super) part: Option<Piece>,
}

/// A piece of a message that is not over.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    pub(super) text: String,
    pub(super) annotations: Vec<Value>,
    pub(super) logprobs: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    Text,
    Refusal,
}

/// Thoughts that are not over.
#[derive(Debug)]
pub(super) struct Thoughts {
    pub(super) id: String,
    pub(super) output_index: usize,
    pub(super) text: String,
}

/// A call, over or not.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) id: String,
    pub(super) output_index: usize,
    pub(super) own: Rest,
    pub(super) call: Call,
    pub(super) is_open: bool,
    pub(super) has_grown: bool,
}

// === impl Frames ===

impl Frames {
    /// The number of the next event.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Writes one event of `members`.
    pub(super) fn event(&mut self, kind: &str, members: &Rest, out: &mut BytesMut) {
        self.begin(kind, out);
        for (name, value) in members {
            out.put_u8(b',');
            write_string(out, name);
            // The display of a value is its JSON; writing to memory does not fail.
            let _ = write!(out, ":{value}");
        }
        out.put_slice(b"}\n\n");
    }

    /// Writes one event about a place, with one text and perhaps more.
    pub(super) fn text(
        &mut self,
        kind: &str,
        place: Place<'_>,
        (name, text): (&str, &str),
        more: Option<(&str, &Value)>,
        out: &mut BytesMut,
    ) {
        self.begin(kind, out);
        place.write(out);
        out.put_u8(b',');
        write_string(out, name);
        out.put_u8(b':');
        write_string(out, text);
        if let Some((name, value)) = more {
            let _ = write!(out, r#","{name}":{value}"#);
        }
        out.put_slice(b"}\n\n");
    }

    /// Writes one event about a place, with one value.
    pub(super) fn value(
        &mut self,
        kind: &str,
        place: Place<'_>,
        (name, value): (&str, &Value),
        out: &mut BytesMut,
    ) {
        self.begin(kind, out);
        place.write(out);
        let _ = write!(out, r#","{name}":{value}}}"#);
        out.put_slice(b"\n\n");
    }

    /// Writes one event that an item begins or is over.
    pub(super) fn item(
        &mut self,
        kind: &str,
        output_index: usize,
        item: &Value,
        out: &mut BytesMut,
    ) {
        self.begin(kind, out);
        let _ = write!(out, r#","output_index":{output_index},"item":{item}}}"#);
        out.put_slice(b"\n\n");
    }

    fn begin(&mut self, kind: &str, out: &mut BytesMut) {
        let number = self.number();
        // Writing to memory does not fail.
        let _ = write!(
            out,
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number}"
        );
    }
}

// === impl Place ===

impl Place<'_> {
    fn write(self, out: &mut BytesMut) {
        out.put_slice(br#","item_id":"#);
        write_string(out, self.id);
        let _ = write!(out, r#","output_index":{}"#, self.output_index);
        if let Some((name, index)) = self.inner {
            let _ = write!(out, r#","{name}":{index}"#);
        }
    }
}

// === impl Message, Piece, Thoughts, OpenCall ===

impl Message {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            id: &self.id,
            output_index: self.output_index,
            inner: Some(("content_index", self.content.len())),
        }
    }
}

impl Piece {
    pub(super) const fn new(kind: PieceKind) -> Self {
        Self {
            kind,
            text: String::new(),
            annotations: Vec::new(),
            logprobs: Vec::new(),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self.kind {
            PieceKind::Text => json!({
                "type": "output_text",
                "text": self.text,
                "annotations": self.annotations,
                "logprobs": self.logprobs,
            }),
            PieceKind::Refusal => json!({"type": "refusal", "refusal": self.text}),
        }
    }
}

impl Thoughts {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            id: &self.id,
            output_index: self.output_index,
            inner: Some(("summary_index", 0)),
        }
    }
}

impl OpenCall {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            id: &self.id,
            output_index: self.output_index,
            inner: None,
        }
    }

    /// Whether nothing can be added to its arguments.
    pub(super) fn is_complete(&self) -> bool {
        self.call.kind == ToolCallKind::Function
            && self.call.arguments.ends_with('}')
            && serde_json::from_str::<serde::de::IgnoredAny>(&self.call.arguments).is_ok()
    }
}
