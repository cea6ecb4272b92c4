use bytes::BytesMut;
use serde_json::Value;

use super::super::ID;
use super::super::answer::{Ids, Shell, Status, seal_thoughts};
use super::super::error::{failure, write_event};
use super::super::seal::Seal;
use super::super::wire::Rest;
use super::decoder::{OPENED, WHOLE};
use super::item::PieceKind;
use super::items::Items;
use crate::conversation::{ChatEvent, Extra, FinishReason, Start, Usage};
use crate::dialect::openai::citation::{ANNOTATION, from_chat};
use crate::dialect::{EncodeOptions, OPENAI_CHAT, StreamEncoder};
use crate::error::{Error, Result};

/// Writes a stream of events in the order in which OpenAI sends them and its SDKs check them. The
/// choice is the 0.
#[derive(Debug)]
pub(in crate::dialect::openai::responses) struct Encoder {
    options: EncodeOptions,
    shell: Option<Shell>,
    items: Items,
    finish: Option<FinishReason>,
    usage: Option<(Usage, Extra)>,
}

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &ChatEvent, out: &mut BytesMut) -> Result<()> {
        if let ChatEvent::Start(start) = event {
            self.start(start, out);
            return Ok(());
        }
        self.open_answer(out);
        match event {
            ChatEvent::Usage { usage, extra } => self.usage = Some((*usage, extra.clone())),
            other if other.choice().is_none_or(|choice| choice == 0) => self.piece(other, out),
            // Callers of this format cannot ask for a second choice.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<()> {
        self.open_answer(out);
        let status = Status::of(self.finish.as_ref());
        self.items.close_all(&status, out);
        self.last(&status, Value::Null, out);
        Ok(())
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        self.open_answer(out);
        write_event(error, Some(self.items.frames.number()), out);
        self.last(&Status::Failed, failure(error), out);
    }
}

impl Encoder {
    pub(in crate::dialect::openai::responses) fn new(options: EncodeOptions) -> Self {
        Self {
            options,
            shell: None,
            items: Items::default(),
            finish: None,
            usage: None,
        }
    }

    fn start(&mut self, start: &Start, out: &mut BytesMut) {
        if self.shell.is_some() {
            return;
        }
        let EncodeOptions {
            model, id, created, ..
        } = &self.options;
        let own_id = Some(&*start.id).filter(|id| !id.is_empty());
        let (id, ids) = Ids::of(
            own_id.or(id.as_deref()).unwrap_or("resp_unknown"),
            own_id.is_some() && start.extra.origin() == Some(ID),
        );
        self.items.ids = ids;
        let shell = Shell {
            id,
            created: start.created.or(*created).unwrap_or(0),
            model: model.as_ref().unwrap_or(&start.model).clone(),
            service_tier: start.service_tier.clone(),
            own: start.extra.fields(ID).cloned().unwrap_or_default(),
        };
        let response = shell.write(&Status::InProgress, Vec::new(), None, Value::Null);
        let members = Rest::from_iter([("response".to_owned(), response.into())]);
        self.items.frames.event("response.created", &members, out);
        self.items
            .frames
            .event("response.in_progress", &members, out);
        self.usage = start.usage.map(|usage| (usage, Extra::default()));
        self.shell = Some(shell);
    }

    fn open_answer(&mut self, out: &mut BytesMut) {
        if self.shell.is_none() {
            self.start(&Start::default(), out);
        }
    }

    /// Tells the whole answer once more.
    fn last(&mut self, status: &Status, error: Value, out: &mut BytesMut) {
        let Some(mut shell) = self.shell.take() else {
            return;
        };
        let usage = self.usage.take();
        if let Some(rest) = usage.as_ref().and_then(|(_, extra)| extra.fields(ID)) {
            shell.own.insert("usage".to_owned(), rest.clone().into());
        }
        let mut output = std::mem::take(&mut self.items.output);
        output.retain(|item| !item.is_null());
        let usage = usage.map(|(usage, _)| usage);
        let response = shell.write(status, output, usage.as_ref(), error);
        let members = Rest::from_iter([("response".to_owned(), response.into())]);
        self.items.frames.event(status.event(), &members, out);
    }

    fn piece(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        match event {
            ChatEvent::TextDelta { text, .. } => self.items.text(PieceKind::Text, text, out),
            ChatEvent::TextSignature { signature, .. } => {
                self.items.proof(&Seal::Text(signature.clone()), out);
            }
            ChatEvent::RefusalDelta { text, .. } => self.items.text(PieceKind::Refusal, text, out),
            ChatEvent::ReasoningDelta { text, .. } => self.items.think(text, out),
            ChatEvent::ReasoningSignature { signature, .. } => {
                self.items.proof(&seal_thoughts(signature), out);
            }
            ChatEvent::ReasoningSealed { reasoning, .. } => {
                self.items.close_thoughts(None, out);
                if !reasoning.text.is_empty() {
                    self.items.think(&reasoning.text, out);
                }
                if let Some(data) = &reasoning.sealed {
                    self.items.proof(&Seal::Sealed(data.clone()), out);
                }
            }
            ChatEvent::ToolCallStart {
                kind,
                id,
                name,
                signature,
                ..
            } => {
                if let Some(signature) = signature {
                    self.items.close_thoughts(None, out);
                    self.items.proof(&Seal::Call(signature.clone()), out);
                }
                self.items.call(*kind, id, name, out);
            }
            ChatEvent::ToolCallDelta {
                tool, arguments, ..
            } => self.items.arguments(*tool, arguments, out),
            ChatEvent::Logprobs { logprobs, .. } => self
                .items
                .logprobs
                .get_or_insert_default()
                .extend(logprobs.clone()),
            ChatEvent::Finish { reason, .. } => {
                self.items.close_all(&Status::of(Some(reason)), out);
                self.finish = Some(reason.clone());
            }
            ChatEvent::Other { extra, .. } => self.other(extra, out),
            ChatEvent::Start(_) | ChatEvent::Usage { .. } => {}
        }
    }

    /// What only one format says.
    fn other(&mut self, extra: &Extra, out: &mut BytesMut) {
        if let Some(Value::Object(opened)) = extra.get(ID, OPENED) {
            self.items.opened.clone_from(opened);
        }
        if let Some(annotation) = extra.get(ID, ANNOTATION) {
            self.items.annotate(annotation.clone(), out);
        }
        if let Some(item) = extra.get(ID, WHOLE) {
            self.items.whole(item, out);
        }
        let delta = extra.get(OPENAI_CHAT.as_str(), "delta");
        let annotations = delta.and_then(|delta| delta.get("annotations")?.as_array());
        for annotation in annotations.into_iter().flatten() {
            self.items.annotate(from_chat(annotation), out);
        }
        let images = delta.and_then(|delta| delta.get("images")?.as_array());
        for image in images.into_iter().flatten() {
            self.items.picture(image, out);
        }
    }
}
