//! Items of a conversation, on the way out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ID;
use super::item::{CUSTOM, ITEM, LIST, PICTURE, TYPED, arguments_of};
use super::part::{put, write_input};
use super::seal::read_own_signature;
use super::wire::Rest;
use crate::conversation::{
    Media, Message, Opaque, Part, PartKind, Reasoning, Role, Source, ToolCall, ToolCallKind,
    ToolResult,
};
use crate::dialect::openai::fault::{Fault, own_fields};
use crate::dialect::openai::words::Names;

/// Writes a conversation turn by turn.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    names: &'a mut Names,
    items: Vec<Value>,
    /// The calls of tools that take text, whose results have a type of their own.
    custom_calls: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(names: &'a mut Names) -> Self {
        Self {
            names,
            items: Vec::new(),
            custom_calls: BTreeSet::new(),
        }
    }

    pub(super) fn into_items(self) -> Vec<Value> {
        self.items
    }

    pub(super) fn turn(&mut self, message: &Message) -> Result<(), Fault> {
        if message.role == Role::Assistant {
            return self.said(&message.parts);
        }
        let mut content = Vec::new();
        for (at, part) in message.parts.iter().enumerate() {
            match &part.kind {
                PartKind::ToolResult(result) => self.result(message, result)?,
                _ => {
                    content.push(write_input(part).map_err(|fault| fault.at("content", at))?);
                }
            }
        }
        if content.is_empty() && !message.parts.is_empty() {
            return Ok(());
        }
        if message.name.is_some() {
            return Err(Fault::unsupported("who of several speaks").in_member("name"));
        }
        let mut item = Rest::new();
        if message.extra.has_note(ID, TYPED) {
            put(&mut item, "type", "message");
        }
        put(&mut item, "role", message.role.as_str());
        put(
            &mut item,
            "content",
            text_or_list(content, message.extra.has_note(ID, LIST)),
        );
        item.extend(own_fields(&message.extra, ID)?);
        self.items.push(item.into());
        Ok(())
    }

    fn result(&mut self, message: &Message, result: &ToolResult) -> Result<(), Fault> {
        let write = |(at, part)| write_input(part).map_err(|fault| fault.at("content", at));
        let mut content: Vec<_> = result
            .content
            .iter()
            .enumerate()
            .map(write)
            .collect::<Result<_, _>>()?;
        if result.is_error == Some(true) {
            mark_error(&mut content);
        }
        let own = message.role == Role::Tool;
        let is_custom = own && message.extra.has_note(ID, CUSTOM)
            || self.custom_calls.contains(&result.call_id);
        let kind = if is_custom {
            "custom_tool_call_output"
        } else {
            "function_call_output"
        };
        let mut item = Rest::new();
        put(&mut item, "type", kind);
        put(&mut item, "call_id", &*result.call_id);
        let is_list = own && message.extra.has_note(ID, LIST);
        put(&mut item, "output", text_or_list(content, is_list));
        if own {
            item.extend(message.extra.fields(ID).cloned().unwrap_or_default());
        }
        self.items.push(item.into());
        Ok(())
    }

    /// What the model said: an item for each call and each piece of reasoning, and one for what
    /// stands between them.
    fn said(&mut self, parts: &[Part]) -> Result<(), Fault> {
        let mut open: Option<Rest> = None;
        for (at, part) in parts.iter().enumerate() {
            if matches!(part.kind, PartKind::Text(_) | PartKind::Refusal(_)) {
                self.text(part, &mut open);
                continue;
            }
            self.items.extend(open.take().map(Value::from));
            let item = match &part.kind {
                PartKind::ToolCall(call) => Some(self.call(part, call)),
                PartKind::Reasoning(reasoning) => write_reasoning(part, reasoning),
                PartKind::Image(media) if part.extra.origin() == Some(ID) => {
                    write_picture(part, media)
                }
                PartKind::Opaque(Opaque { origin, value }) if *origin == ID => Some(value.clone()),
                _ => {
                    let fault = Fault::unsupported("a piece of this kind here");
                    return Err(fault.at("content", at));
                }
            };
            self.items.extend(item);
        }
        self.items.extend(open.map(Value::from));
        Ok(())
    }

    fn text(&mut self, part: &Part, open: &mut Option<Rest>) {
        let noted = |note| part.extra.has_note(ID, note);
        let piece = write_said(part);
        if noted(ITEM) {
            self.items.extend(open.take().map(Value::from));
        } else if let Some(Value::Array(content)) =
            open.as_mut().and_then(|item| item.get_mut("content"))
        {
            content.push(piece);
            return;
        }
        let mut item = Rest::new();
        let plain = part.as_text().filter(|_| !noted(LIST));
        if noted(TYPED) || plain.is_none() && !noted(ITEM) {
            put(&mut item, "type", "message");
        }
        put(&mut item, "role", "assistant");
        match plain {
            Some(text) => put(&mut item, "content", text),
            None => put(&mut item, "content", vec![piece]),
        }
        if let Some(Value::Object(rest)) = part.extra.get(ID, ITEM) {
            item.extend(rest.clone());
        }
        if plain.is_some() {
            self.items.push(item.into());
        } else {
            *open = Some(item);
        }
    }

    fn call(&mut self, part: &Part, call: &ToolCall) -> Value {
        let kind = match call.kind {
            ToolCallKind::Function => "function_call",
            ToolCallKind::Custom => {
                self.custom_calls.insert(call.id.clone());
                "custom_tool_call"
            }
        };
        let mut item = json!({
            "type": kind,
            "call_id": call.id,
            "name": self.names.tool_name(&call.name),
            arguments_of(call.kind): call.arguments,
        });
        for (name, value) in part.extra.fields(ID).into_iter().flatten() {
            item[name] = value.clone();
        }
        item
    }
}

/// Writes a piece of the model's own words.
pub(super) fn write_said(part: &Part) -> Value {
    let mut piece = Rest::new();
    match &part.kind {
        PartKind::Refusal(text) => {
            put(&mut piece, "type", "refusal");
            put(&mut piece, "refusal", &**text);
        }
        _ => {
            put(&mut piece, "type", "output_text");
            put(&mut piece, "text", part.as_text().unwrap_or_default());
            put(&mut piece, "annotations", Vec::<Value>::new());
        }
    }
    let own = part.extra.fields(ID).cloned().unwrap_or_default();
    piece.extend(own.into_iter().filter(|(name, _)| name != ITEM));
    piece.into()
}

/// Writes reasoning that is OpenAI's own; that of others is left out, since its proof holds nowhere
/// else.
pub(super) fn write_reasoning(part: &Part, reasoning: &Reasoning) -> Option<Value> {
    let own = part.extra.fields(ID);
    let proof = part.signature.as_deref().and_then(read_own_signature);
    if own.is_none() && proof.is_none() {
        return None;
    }
    let id = reasoning.id.as_deref().or_else(|| proof.map(|(id, _)| id));
    let summary: Vec<_> = [&*reasoning.text]
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| json!({"type": "summary_text", "text": text}))
        .collect();
    let mut item = Rest::new();
    put(&mut item, "type", "reasoning");
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        put(&mut item, "id", id);
    }
    put(&mut item, "summary", summary);
    if let Some((_, content)) = proof {
        put(&mut item, "encrypted_content", content);
    }
    item.extend(own.cloned().unwrap_or_default());
    Some(item.into())
}

/// Writes a picture that OpenAI's own tool made.
pub(super) fn write_picture(part: &Part, media: &Media) -> Option<Value> {
    let Source::Base64(data) = &media.source else {
        return None;
    };
    let mut item = part.extra.fields(ID)?.clone();
    put(&mut item, "type", PICTURE);
    put(&mut item, "result", &**data);
    Some(item.into())
}

fn text_or_list(mut content: Vec<Value>, is_list: bool) -> Value {
    let plain = |part: &Value| {
        let map = part.as_object()?;
        let is_text = map.len() == 2 && map.get("type")? == "input_text";
        map.get("text").filter(|_| is_text).cloned()
    };
    match &mut content[..] {
        [] if !is_list => "".into(),
        [part] if !is_list => plain(part).unwrap_or_else(|| content.into()),
        _ => content.into(),
    }
}

/// There is no field that says that a tool failed.
fn mark_error(content: &mut Vec<Value>) {
    const MARK: &str = "Error: ";
    match content.first_mut().and_then(|part| part.get_mut("text")) {
        Some(Value::String(text)) => text.insert_str(0, MARK),
        _ => content.insert(0, json!({"type": "input_text", "text": MARK})),
    }
}
