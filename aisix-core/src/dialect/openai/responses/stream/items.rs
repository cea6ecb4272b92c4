use bytes::BytesMut;
use serde_json::{Value, json};

use super::super::answer::{Call, Ids, Status, message_item, reasoning_item, shown_picture};
use super::super::item::arguments_of;
use super::super::seal::Seal;
use super::super::wire::Rest;
use super::item::{Frames, Message, OpenCall, Piece, PieceKind, Thoughts};
use crate::conversation::{Logprobs, ToolCallKind};
use crate::dialect::openai::chat::write_logprobs;

/// The items of an answer, as far as they have come.
///
/// They begin when their first piece comes, and are over when one of another kind does; calls whose
/// arguments interleave stay open together.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) frames: Frames,
    pub(super) ids: Ids,
    /// Those that are over; `null` for those that are not.
    pub(super) output: Vec<Value>,
    message: Option<Message>,
    thoughts: Option<Thoughts>,
    calls: Vec<OpenCall>,
    /// The places of calls whose arguments have grown since it was last looked whether they are
    /// complete.
    grown: Vec<usize>,
    /// What the item that begins next says beside its content.
    pub(super) opened: Rest,
    /// Of the text that comes next.
    pub(super) logprobs: Option<Logprobs>,
}

impl Items {
    pub(super) fn text(&mut self, kind: PieceKind, text: &str, out: &mut BytesMut) {
        self.open_piece(kind, out);
        let logprobs = self.logprobs.take();
        let Some(message) = &mut self.message else {
            return;
        };
        let Some(part) = &mut message.part else {
            return;
        };
        part.text.push_str(text);
        let place = super::item::Place {
            id: &message.id,
            output_index: message.output_index,
            inner: Some(("content_index", message.content.len())),
        };
        if kind == PieceKind::Refusal {
            self.frames
                .text("response.refusal.delta", place, ("delta", text), None, out);
            return;
        }
        let mut tokens = logprobs.as_ref().map_or(json!({}), write_logprobs)["content"].take();
        if !tokens.is_array() {
            tokens = json!([]);
        }
        let more = Some(("logprobs", &tokens));
        self.frames.text(
            "response.output_text.delta",
            place,
            ("delta", text),
            more,
            out,
        );
        part.logprobs
            .extend(tokens.as_array().into_iter().flatten().cloned());
    }

    fn open_piece(&mut self, kind: PieceKind, out: &mut BytesMut) {
        self.close_thoughts(None, out);
        self.close_complete_calls(out);
        let has_other = self
            .message
            .as_ref()
            .and_then(|message| message.part.as_ref())
            .is_some_and(|part| part.kind != kind);
        if has_other {
            self.close_piece(out);
        }
        if self.message.is_none() || self.opened.contains_key("id") {
            self.close_message(&Status::Completed, out);
            self.open_message(out);
        }
        if let Some(message) = self.message.as_mut().filter(|it| it.part.is_none()) {
            let part = Piece::new(kind);
            let value = part.to_value();
            let part_added = "response.content_part.added";
            self.frames
                .value(part_added, message.place(), ("part", &value), out);
            message.part = Some(part);
        }
    }

    fn open_message(&mut self, out: &mut BytesMut) {
        let (output_index, id, own) = self.next_item("msg");
        let item = message_item(id.clone(), &Status::InProgress, Vec::new(), &own);
        self.frames
            .item("response.output_item.added", output_index, &item, out);
        self.message = Some(Message {
            id,
            output_index,
            own,
            content: Vec::new(),
            part: None,
        });
    }

    fn close_piece(&mut self, out: &mut BytesMut) {
        let Some(message) = &mut self.message else {
            return;
        };
        let Some(part) = message.part.take() else {
            return;
        };
        let place = message.place();
        match part.kind {
            PieceKind::Text => {
                let logprobs = Value::from(part.logprobs.clone());
                let done = "response.output_text.done";
                let more = Some(("logprobs", &logprobs));
                self.frames
                    .text(done, place, ("text", &part.text), more, out);
            }
            PieceKind::Refusal => {
                let done = "response.refusal.done";
                self.frames
                    .text(done, place, ("refusal", &part.text), None, out);
            }
        }
        let value = part.to_value();
        self.frames
            .value("response.content_part.done", place, ("part", &value), out);
        message.content.push(value);
    }

    pub(super) fn close_message(&mut self, status: &Status, out: &mut BytesMut) {
        self.close_piece(out);
        if let Some(message) = self.message.take() {
            let Message {
                id,
                output_index,
                own,
                content,
                ..
            } = message;
            self.done(output_index, message_item(id, status, content, &own), out);
        }
    }

    pub(super) fn think(&mut self, text: &str, out: &mut BytesMut) {
        if self.thoughts.is_none() {
            self.open_thoughts(out);
        }
        let Some(thoughts) = &mut self.thoughts else {
            return;
        };
        if thoughts.text.is_empty() {
            let part = json!({"type": "summary_text", "text": ""});
            let added = "response.reasoning_summary_part.added";
            self.frames
                .value(added, thoughts.place(), ("part", &part), out);
        }
        thoughts.text.push_str(text);
        let delta = "response.reasoning_summary_text.delta";
        self.frames
            .text(delta, thoughts.place(), ("delta", text), None, out);
    }

    fn open_thoughts(&mut self, out: &mut BytesMut) {
        self.close_message(&Status::Completed, out);
        self.close_complete_calls(out);
        let (output_index, id, _) = self.next_item("rs");
        let item = reasoning_item(id.clone(), "", None);
        self.frames
            .item("response.output_item.added", output_index, &item, out);
        self.thoughts = Some(Thoughts {
            id,
            output_index,
            text: String::new(),
        });
    }

    pub(super) fn close_thoughts(&mut self, seal: Option<&Seal>, out: &mut BytesMut) {
        let Some(thoughts) = self.thoughts.take() else {
            return;
        };
        if !thoughts.text.is_empty() {
            let place = thoughts.place();
            let done = "response.reasoning_summary_text.done";
            self.frames
                .text(done, place, ("text", &thoughts.text), None, out);
            let part = json!({"type": "summary_text", "text": thoughts.text});
            let done = "response.reasoning_summary_part.done";
            self.frames.value(done, place, ("part", &part), out);
        }
        let sealed = seal.map(Seal::write);
        let item = reasoning_item(thoughts.id, &thoughts.text, sealed.as_deref());
        self.done(thoughts.output_index, item, out);
    }

    /// An item that shows nothing more and keeps a proof.
    pub(super) fn proof(&mut self, seal: &Seal, out: &mut BytesMut) {
        if self.thoughts.is_none() {
            self.open_thoughts(out);
        }
        self.close_thoughts(Some(seal), out);
    }

    pub(super) fn call(&mut self, kind: ToolCallKind, id: &str, name: &str, out: &mut BytesMut) {
        self.close_thoughts(None, out);
        self.close_message(&Status::Completed, out);
        self.close_complete_calls(out);
        let call = Call {
            kind,
            call_id: id.to_owned(),
            name: name.to_owned(),
            arguments: String::new(),
        };
        let (output_index, id, own) = self.next_item(call.prefix());
        let item = call.item(&id, &Status::InProgress, &own);
        self.frames
            .item("response.output_item.added", output_index, &item, out);
        self.calls.push(OpenCall {
            id,
            output_index,
            own,
            call,
            is_open: true,
            has_grown: false,
        });
    }

    pub(super) fn arguments(&mut self, tool: u32, arguments: &str, out: &mut BytesMut) {
        let place = usize::try_from(tool).unwrap_or(usize::MAX);
        let Some(call) = self.calls.get_mut(place).filter(|call| call.is_open) else {
            return;
        };
        call.call.arguments.push_str(arguments);
        if !std::mem::replace(&mut call.has_grown, true) {
            self.grown.push(place);
        }
        let event = match call.call.kind {
            ToolCallKind::Function => "response.function_call_arguments.delta",
            ToolCallKind::Custom => "response.custom_tool_call_input.delta",
        };
        self.frames
            .text(event, call.place(), ("delta", arguments), None, out);
    }

    /// A call is over when nothing can be added to it; others wait for the end.
    fn close_complete_calls(&mut self, out: &mut BytesMut) {
        for at in std::mem::take(&mut self.grown) {
            self.calls[at].has_grown = false;
            if self.calls[at].is_open && self.calls[at].is_complete() {
                self.close_call(at, &Status::Completed, out);
            }
        }
    }

    fn close_call(&mut self, at: usize, status: &Status, out: &mut BytesMut) {
        let call = &mut self.calls[at];
        if !std::mem::take(&mut call.is_open) {
            return;
        }
        let event = match call.call.kind {
            ToolCallKind::Function => "response.function_call_arguments.done",
            ToolCallKind::Custom => "response.custom_tool_call_input.done",
        };
        let name = arguments_of(call.call.kind);
        self.frames
            .text(event, call.place(), (name, &call.call.arguments), None, out);
        let item = call.call.item(&call.id, status, &call.own);
        let output_index = call.output_index;
        self.done(output_index, item, out);
    }

    pub(super) fn close_all(&mut self, status: &Status, out: &mut BytesMut) {
        self.close_thoughts(None, out);
        self.close_message(status, out);
        for at in 0..self.calls.len() {
            self.close_call(at, status, out);
        }
    }

    pub(super) fn annotate(&mut self, annotation: Value, out: &mut BytesMut) {
        self.open_piece(PieceKind::Text, out);
        let Some(message) = &mut self.message else {
            return;
        };
        let index = message.content.len();
        let Some(part) = &mut message.part else {
            return;
        };
        let members = json!({
            "item_id": message.id,
            "output_index": message.output_index,
            "content_index": index,
            "annotation_index": part.annotations.len(),
            "annotation": annotation,
        });
        part.annotations.push(annotation);
        if let Value::Object(members) = members {
            let added = "response.output_text.annotation.added";
            self.frames.event(added, &members, out);
        }
    }

    /// An item that is told as a whole.
    pub(super) fn whole(&mut self, item: &Value, out: &mut BytesMut) {
        self.close_thoughts(None, out);
        self.close_message(&Status::Completed, out);
        let output_index = self.output.len();
        self.output.push(Value::Null);
        self.frames
            .item("response.output_item.added", output_index, item, out);
        self.done(output_index, item.clone(), out);
    }

    /// A picture, as chat completions show it.
    pub(super) fn picture(&mut self, image: &Value, out: &mut BytesMut) {
        let id = self.ids.item("ig", self.output.len());
        if let Some(item) = shown_picture(&id, image) {
            self.whole(&item, out);
        }
    }

    /// The place, the id and the own members of the item that begins.
    fn next_item(&mut self, prefix: &str) -> (usize, String, Rest) {
        let output_index = self.output.len();
        self.output.push(Value::Null);
        let mut own = std::mem::take(&mut self.opened);
        let id = match own.shift_remove("id") {
            Some(Value::String(id)) => id,
            _ => self.ids.item(prefix, output_index),
        };
        (output_index, id, own)
    }

    fn done(&mut self, output_index: usize, item: Value, out: &mut BytesMut) {
        self.frames
            .item("response.output_item.done", output_index, &item, out);
        if let Some(place) = self.output.get_mut(output_index) {
            *place = item;
        }
    }
}
