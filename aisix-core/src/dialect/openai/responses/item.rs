//! Items of a conversation or of an answer, on the way in.

use serde_json::Value;

use super::ID;
use super::part::read_part;
use super::seal::{Seal, own_signature};
use super::wire::{Rest, kind_of, missing, need_text, take_list, take_text};
use crate::conversation::{
    Extra, Media, Message, Opaque, Part, PartKind, Reasoning, Role, Source, ToolCall, ToolCallKind,
    ToolResult,
};
use crate::dialect::Carry;
use crate::dialect::openai::fault::Fault;

/// Puts items together to turns: what the model said between two words of the others is one turn,
/// however many items it has.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    carry: &'a Carry,
    messages: Vec<Message>,
    /// The proof of the call that comes next.
    call_signature: Option<String>,
}

impl<'a> Turns<'a> {
    pub(super) const fn new(carry: &'a Carry) -> Self {
        Self {
            carry,
            messages: Vec::new(),
            call_signature: None,
        }
    }

    pub(super) fn into_messages(self) -> Vec<Message> {
        self.messages
    }

    pub(super) fn push(&mut self, item: Rest) -> Result<(), Fault> {
        match kind_of(&item) {
            "message" => self.message(item, true)?,
            "" if item.contains_key("role") => self.message(item, false)?,
            "function_call" => self.call(ToolCallKind::Function, item)?,
            "custom_tool_call" => self.call(ToolCallKind::Custom, item)?,
            "function_call_output" => self.result(false, item)?,
            "custom_tool_call_output" => self.result(true, item)?,
            "reasoning" => self.reasoning(item)?,
            PICTURE if item.get("result").is_some_and(Value::is_string) => self.picture(item)?,
            _ => {
                // An id alone is the short form of a reference.
                if !item.contains_key("type") && !item.get("id").is_some_and(Value::is_string) {
                    return Err(missing("type"));
                }
                let opaque = PartKind::Opaque(Opaque::new(ID, item.into()));
                self.said().push(opaque.into());
            }
        }
        Ok(())
    }

    fn message(&mut self, mut item: Rest, is_typed: bool) -> Result<(), Fault> {
        item.shift_remove("type");
        let role = match take_text(&mut item, "role")?.as_deref() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            Some(other) => return Err(Fault::new("role", format!("unknown role `{other}`"))),
            None => return Err(missing("role")),
        };
        let (mut parts, is_string) = read_content(&mut item, "content")?;
        if role == Role::Assistant {
            open(&mut parts, item, is_typed, is_string);
            self.said().append(&mut parts);
            return Ok(());
        }
        // They say where the item was kept, and that it is complete, which it is.
        item.shift_remove("id");
        item.shift_remove("status");
        let mut message = Message::new(role, parts);
        message.extra = Extra::from_rest(ID, item);
        for (note, holds) in [(TYPED, is_typed), (LIST, !is_string)] {
            if holds {
                message.extra.note(ID, note);
            }
        }
        self.messages.push(message);
        Ok(())
    }

    fn call(&mut self, kind: ToolCallKind, mut item: Rest) -> Result<(), Fault> {
        item.shift_remove("type");
        let id = need_text(&mut item, "call_id")?;
        let name = need_text(&mut item, "name")?;
        let arguments = match (kind, item.shift_remove(arguments_of(kind))) {
            (_, None) => return Err(missing(arguments_of(kind))),
            (_, Some(Value::String(text))) => text,
            (ToolCallKind::Function, Some(other @ Value::Object(_))) => other.to_string(),
            (..) => return Err(Fault::new(arguments_of(kind), "expected a string")),
        };
        let name = self.carry.tool_name(&name).to_owned();
        let call = ToolCall::new(id, name, arguments).with_kind(kind);
        let mut part = Part::new(PartKind::ToolCall(call));
        part.signature = self.call_signature.take();
        part.extra = Extra::from_rest(ID, item);
        self.said().push(part);
        Ok(())
    }

    fn result(&mut self, is_custom: bool, mut item: Rest) -> Result<(), Fault> {
        item.shift_remove("type");
        let id = need_text(&mut item, "call_id")?;
        if !item.contains_key("output") {
            return Err(missing("output"));
        }
        let (parts, is_string) = read_content(&mut item, "output")?;
        let result = PartKind::ToolResult(ToolResult::new(id, parts));
        let mut message = Message::new(Role::Tool, vec![result.into()]);
        message.extra = Extra::from_rest(ID, item);
        for (note, holds) in [(CUSTOM, is_custom), (LIST, !is_string)] {
            if holds {
                message.extra.note(ID, note);
            }
        }
        self.messages.push(message);
        Ok(())
    }

    fn reasoning(&mut self, mut item: Rest) -> Result<(), Fault> {
        item.shift_remove("type");
        let id = take_text(&mut item, "id")?;
        let sealed = take_text(&mut item, "encrypted_content")?;
        let summary = texts(item.get("summary").cloned(), "summary")?;
        let content = texts(item.get("content").cloned(), "content")?;
        let is_summary = content.is_empty() || !summary.is_empty();
        let text = if is_summary {
            summary.join(SUMMARY_BREAK)
        } else {
            content.concat()
        };
        if is_summary && content.is_empty() && summary.len() <= 1 {
            // The neutral fields say it all.
            item.shift_remove("summary");
            item.shift_remove("content");
        }
        let mut reasoning = Reasoning::new(text);
        let mut signature = None;
        let mut is_own = true;
        match sealed.map(Seal::read) {
            None => {}
            Some(Seal::Own(content)) => {
                signature = Some(own_signature(id.as_deref().unwrap_or_default(), &content));
            }
            Some(Seal::Call(proof)) => {
                self.call_signature = Some(proof);
                return Ok(());
            }
            Some(Seal::Text(proof)) => {
                sign_text(self.said(), proof);
                return Ok(());
            }
            Some(Seal::Thoughts(proof)) => (signature, is_own) = (Some(proof), false),
            Some(Seal::Sealed(proof)) => (reasoning.sealed, is_own) = (Some(proof), false),
        }
        let mut part = Part::new(PartKind::Reasoning(reasoning));
        part.signature = signature;
        if is_own {
            part.extra = Extra::with_fields(ID, item);
            if let PartKind::Reasoning(reasoning) = &mut part.kind {
                reasoning.is_summary = is_summary;
                reasoning.id = id;
            }
        }
        self.said().push(part);
        Ok(())
    }

    fn picture(&mut self, mut item: Rest) -> Result<(), Fault> {
        item.shift_remove("type");
        let data = need_text(&mut item, "result")?;
        let format = item.get("output_format").and_then(Value::as_str);
        let media_type = format!("image/{}", format.unwrap_or("png"));
        let media = Media::new(Source::Base64(data)).with_media_type(media_type);
        let mut part = Part::new(PartKind::Image(media));
        part.extra = Extra::with_fields(ID, item);
        self.said().push(part);
        Ok(())
    }

    /// The turn of the model that is not over yet.
    fn said(&mut self) -> &mut Vec<Part> {
        let is_open = self
            .messages
            .last()
            .is_some_and(|message| message.role == Role::Assistant);
        if !is_open {
            self.messages
                .push(Message::new(Role::Assistant, Vec::new()));
        }
        let last = self.messages.len() - 1;
        &mut self.messages[last].parts
    }
}

/// Says on the first piece of an item of the model's where it begins and how it was spelled.
fn open(parts: &mut [Part], item: Rest, is_typed: bool, is_string: bool) {
    let Some(first) = parts.first_mut() else {
        return;
    };
    if !item.is_empty() {
        first.extra.insert(ID, ITEM, item.into());
    }
    first.extra.note(ID, ITEM);
    for (note, holds) in [(TYPED, is_typed), (LIST, !is_string)] {
        if holds {
            first.extra.note(ID, note);
        }
    }
}

/// Reads a text or a list of parts; whether it was a text.
fn read_content(item: &mut Rest, name: &str) -> Result<(Vec<Part>, bool), Fault> {
    if let Some(Value::String(_)) = item.get(name) {
        let text = need_text(item, name)?;
        return Ok((vec![Part::text(text)], true));
    }
    let parts = take_list(item, name)?.into_iter().enumerate();
    let read = |(at, part)| read_part(part).map_err(|fault| fault.at(name, at));
    Ok((parts.map(read).collect::<Result<_, _>>()?, false))
}

/// The texts of a summary or of the thoughts themselves.
fn texts(list: Option<Value>, name: &str) -> Result<Vec<String>, Fault> {
    let mut map = Rest::new();
    if let Some(list) = list {
        map.insert(name.to_owned(), list);
    }
    let parts = take_list(&mut map, name)?.into_iter().enumerate();
    let read = |(at, mut part)| need_text(&mut part, "text").map_err(|fault| fault.at(name, at));
    parts.map(read).collect()
}

fn sign_text(parts: &mut Vec<Part>, proof: String) {
    match parts.iter_mut().rfind(|part| part.as_text().is_some()) {
        Some(part) => part.signature = Some(proof),
        None => parts.push(Part::text("").with_signature(proof)),
    }
}

pub(super) const fn arguments_of(kind: ToolCallKind) -> &'static str {
    match kind {
        ToolCallKind::Function => "arguments",
        ToolCallKind::Custom => "input",
    }
}

/// What stands between the parts of a summary when it is one text.
pub(super) const SUMMARY_BREAK: &str = "\n\n";

/// The type of the items that hold a picture.
pub(super) const PICTURE: &str = "image_generation_call";

// How an item was spelled, where the neutral model has one word for several spellings.

/// An item begins here; the field of this name holds what it says beside its content.
pub(super) const ITEM: &str = "item";

/// The item has a type.
pub(super) const TYPED: &str = "typed";

/// The content is a list.
pub(super) const LIST: &str = "list";

/// The output is that of a custom tool.
pub(super) const CUSTOM: &str = "custom";
