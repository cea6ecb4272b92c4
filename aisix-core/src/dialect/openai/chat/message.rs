//! Messages, which requests and answers share.

use serde_json::{Value, json};

use super::ID;
use super::call::{google_signature, read_tool_call, write_google_signature, write_tool_calls};
use super::citation::write_annotations;
use super::part::{REFUSAL_PART, read_part, write_part};
use super::reasoning::{THINKING, read_reasoning, write_replayed_reasoning, write_shown_reasoning};
use super::wire::{self, Content, ContentPart, Rest};
use crate::conversation::{Extra, Message, Opaque, Part, PartKind, Role, Source, ToolResult};
use crate::dialect::Carry;
use crate::dialect::openai::fault::{Fault, own_fields};
use crate::dialect::openai::words::Names;

/// Reads one message of either side.
pub(super) fn read_message(wire: wire::Message, carry: &Carry) -> Result<Message, Fault> {
    let wire::Message {
        role,
        content,
        name,
        refusal,
        tool_calls,
        tool_call_id,
        mut rest,
    } = wire;
    let mut notes = Vec::new();
    let role = read_role(role.as_deref(), &mut notes)?;
    let mut parts = Vec::new();
    read_reasoning(&mut rest, &mut parts, &mut notes);
    read_content(content, &mut parts, &mut notes)?;
    if let Some(text) = refusal {
        parts.push(PartKind::Refusal(text).into());
    }
    for (at, call) in tool_calls.into_iter().flatten().enumerate() {
        let call = read_tool_call(call, carry).map_err(|fault| fault.at("tool_calls", at))?;
        parts.push(call);
    }
    let mut message = if role == Role::Tool {
        let mut result = ToolResult::new(tool_call_id.unwrap_or_default(), parts);
        result.name = name;
        Message::new(role, vec![PartKind::ToolResult(result).into()])
    } else {
        let mut message = Message::new(role, parts);
        message.name = name;
        message
    };
    sign_text(&mut message, &rest);
    message.extra = Extra::from_rest(ID, rest);
    for note in notes {
        message.extra.note(ID, note);
    }
    Ok(message)
}

fn read_role(role: Option<&str>, notes: &mut Vec<&'static str>) -> Result<Role, Fault> {
    Ok(match role {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        Some("function") => {
            notes.push(FUNCTION_ROLE);
            Role::Tool
        }
        Some(other) => {
            return Err(Fault::new("role", format!("unknown role `{other}`")));
        }
        None => return Err(Fault::new("role", "a message needs a role")),
    })
}

fn read_content(
    content: Content,
    parts: &mut Vec<Part>,
    notes: &mut Vec<&'static str>,
) -> Result<(), Fault> {
    match content {
        Content::Missing => notes.push(NO_CONTENT),
        Content::Null => {}
        Content::Text(text) => parts.push(Part::text(text)),
        Content::List(list) => {
            notes.push(LIST);
            for (at, part) in list.into_iter().enumerate() {
                parts.push(read_part(part).map_err(|fault| fault.at("content", at))?);
            }
        }
    }
    Ok(())
}

fn sign_text(message: &mut Message, rest: &Rest) {
    if let Some(signature) = google_signature(rest)
        && let Some(part) = message
            .parts
            .iter_mut()
            .rfind(|part| part.as_text().is_some())
    {
        part.signature = Some(signature);
    }
}

/// Writes one turn of a request: mostly one message, several for a turn with tool results.
pub(super) fn write_turn(
    message: &Message,
    names: &mut Names,
    moved: &mut Vec<ContentPart>,
    out: &mut Vec<wire::Message>,
) -> Result<(), Fault> {
    let mut content = Vec::new();
    for (at, part) in message.parts.iter().enumerate() {
        match &part.kind {
            PartKind::ToolResult(result) => out.push(write_result(message, result, names, moved)?),
            PartKind::Opaque(opaque) if is_record(message, opaque) => {}
            _ => content.push((at, part)),
        }
    }
    if content.is_empty() && !message.parts.is_empty() {
        return Ok(());
    }
    flush_moved(moved, out);
    let mut wire = wire::Message {
        role: Some(role_of(message.role, names).to_owned()),
        name: message.name.clone(),
        rest: fields_of(&message.extra, message.role == Role::Assistant)?,
        ..wire::Message::default()
    };
    write_content(message, &content, &mut wire)?;
    // OpenAI's own models refuse thoughts; a conversation of this format is passed on as it is.
    if !(names.is_foreign && names.is_openais) {
        write_replayed_reasoning(message, &mut wire);
    }
    wire.tool_calls = write_tool_calls(message, names, false);
    if names.is_foreign && message.role == Role::Assistant {
        join_texts(&mut wire.content);
        let says_nothing = matches!(wire.content, Content::Null | Content::Missing)
            && wire.tool_calls.is_none()
            && wire.refusal.is_none()
            && wire.rest.is_empty();
        if says_nothing && !message.parts.is_empty() {
            // Nothing but thoughts that only their vendor may see.
            return Ok(());
        }
    }
    out.push(wire);
    Ok(())
}

/// Whether the piece only records how a tool of the vendor's own ran in an old answer, whose text
/// says what came of it. What stands for something that was said is no record.
fn is_record(message: &Message, opaque: &Opaque) -> bool {
    let kind = opaque.value.get("type").and_then(Value::as_str);
    message.role == Role::Assistant
        && opaque.origin != ID
        && !matches!(kind, None | Some("item_reference" | "compaction"))
}

/// Many vendors take what the model said only as one text.
fn join_texts(content: &mut Content) {
    if let Content::List(parts) = content
        && !parts.is_empty()
        && parts
            .iter()
            .all(|part| part.kind == "text" && part.rest.is_empty())
    {
        let texts = parts.iter().filter_map(|part| part.text.as_deref());
        *content = Content::Text(texts.collect());
    }
}

/// Puts what results of tools could not hold behind them.
pub(super) fn flush_moved(moved: &mut Vec<ContentPart>, out: &mut Vec<wire::Message>) {
    if !moved.is_empty() {
        out.push(wire::Message {
            role: Some(Role::User.as_str().to_owned()),
            content: Content::List(std::mem::take(moved)),
            ..wire::Message::default()
        });
    }
}

/// Only OpenAI tells the developer from the system.
fn role_of(role: Role, names: &Names) -> &'static str {
    match role {
        Role::Developer if names.is_foreign && !names.is_openais => Role::System.as_str(),
        role => role.as_str(),
    }
}

/// What another format said of an old answer is left out; what it asks for is refused.
fn fields_of(extra: &Extra, is_answer: bool) -> Result<Rest, Fault> {
    if is_answer {
        Ok(extra.fields(ID).cloned().unwrap_or_default())
    } else {
        own_fields(extra, ID)
    }
}

/// Writes the message of an answer, with everything that the caller may want to send back.
pub(super) fn write_answer(message: &Message) -> wire::Message {
    let mut wire = wire::Message {
        role: Some(Role::Assistant.as_str().to_owned()),
        rest: message.extra.fields(ID).cloned().unwrap_or_default(),
        ..wire::Message::default()
    };
    let list: Vec<_> = message.parts.iter().enumerate().collect();
    let is_list =
        message.extra.has_note(ID, LIST) && write_content(message, &list, &mut wire).is_ok();
    if !is_list {
        let has_text = message.parts.iter().any(|part| part.as_text().is_some());
        wire.content = if has_text {
            Content::Text(message.text().into_owned())
        } else if message.extra.has_note(ID, NO_CONTENT) {
            Content::Missing
        } else {
            Content::Null
        };
    }
    wire.refusal = message.refusal().map(str::to_owned);
    if wire.refusal.is_none() {
        wire.rest.insert("refusal".to_owned(), Value::Null);
    }
    write_annotations(message, &mut wire.rest);
    write_pictures(message, &mut wire.rest);
    write_shown_reasoning(message, &mut wire.rest);
    wire.tool_calls = write_tool_calls(message, &mut Names::default(), true);
    let signature = message
        .parts
        .iter()
        .rfind(|part| part.as_text().is_some())
        .and_then(|part| part.signature.as_deref());
    if let Some(signature) = signature {
        write_google_signature(&mut wire.rest, signature);
    }
    wire
}

/// Writes pictures that the model made where clients look for them.
fn write_pictures(message: &Message, rest: &mut Rest) {
    let pictures = message.parts.iter().filter_map(|part| match &part.kind {
        PartKind::Image(media) => media.to_url(),
        _ => None,
    });
    let pictures: Vec<_> = pictures
        .enumerate()
        .map(|(at, url)| json!({"type": "image_url", "image_url": {"url": url}, "index": at}))
        .collect();
    if !pictures.is_empty() {
        rest.entry("images").or_insert(pictures.into());
    }
}

/// Writes what the turn says: a string where it can be one, else a list.
fn write_content(
    message: &Message,
    parts: &[(usize, &Part)],
    wire: &mut wire::Message,
) -> Result<(), Fault> {
    let noted = |note| message.extra.has_note(ID, note);
    let in_content = |part: &Part| match &part.kind {
        PartKind::Reasoning(_) => part.extra.has_note(ID, THINKING),
        PartKind::Refusal(_) => part.extra.has_note(ID, REFUSAL_PART),
        PartKind::ToolCall(_) => message.role != Role::Assistant,
        _ => true,
    };
    let mut list = Vec::new();
    for (at, part) in parts {
        match &part.kind {
            PartKind::Refusal(text) if !in_content(part) => wire.refusal = Some(text.clone()),
            _ if in_content(part) => {
                let is_history = message.role == Role::Assistant;
                let part =
                    write_part(part, is_history).map_err(|fault| fault.at("content", *at))?;
                list.push(part);
            }
            _ => {}
        }
    }
    let is_string = matches!(&list[..], [part] if part.kind == "text" && part.rest.is_empty());
    wire.content = match list.pop_if(|_| is_string && !noted(LIST)) {
        Some(part) => Content::Text(part.text.unwrap_or_default()),
        None if !list.is_empty() || noted(LIST) => Content::List(list),
        None if noted(NO_CONTENT) => Content::Missing,
        None => Content::Null,
    };
    Ok(())
}

/// Writes the result of a tool, which holds texts and pictures here; other pieces that another
/// format put there are moved behind all results of the turn.
fn write_result(
    message: &Message,
    result: &ToolResult,
    names: &Names,
    moved: &mut Vec<ContentPart>,
) -> Result<wire::Message, Fault> {
    let own = message.role == Role::Tool;
    let is_function = message.extra.has_note(ID, FUNCTION_ROLE);
    let mut wire = wire::Message {
        role: Some(if is_function { "function" } else { "tool" }.to_owned()),
        name: result.name.clone().filter(|_| own),
        tool_call_id: (!is_function).then(|| result.call_id.clone()),
        ..wire::Message::default()
    };
    let stays = |part: &Part| match &part.kind {
        PartKind::Audio(_) => !names.is_foreign,
        PartKind::File(media) => !names.is_foreign || matches!(media.source, Source::Text(_)),
        _ => true,
    };
    let parts = result.content.iter().enumerate();
    let (content, others): (Vec<_>, Vec<_>) = parts.partition(|(_, part)| stays(part));
    for (nth, (at, part)) in others.into_iter().enumerate() {
        if nth == 0 {
            let label = format!("Belongs to the result of the call {}:", result.call_id);
            moved.push(ContentPart::text(label));
        }
        moved.push(write_part(part, false).map_err(|fault| fault.at("content", at))?);
    }
    if own {
        wire.rest = message.extra.fields(ID).cloned().unwrap_or_default();
        write_content(message, &content, &mut wire)?;
    } else {
        let plain = Message::new(Role::Tool, Vec::new());
        write_content(&plain, &content, &mut wire)?;
    }
    if names.is_foreign && matches!(wire.content, Content::Null) {
        wire.content = Content::Text(String::new());
    }
    if result.is_error == Some(true) {
        mark_error(&mut wire.content);
    }
    Ok(wire)
}

/// There is no field that says that a tool failed.
fn mark_error(content: &mut Content) {
    const MARK: &str = "Error: ";
    match content {
        Content::Text(text) => text.insert_str(0, MARK),
        Content::List(parts) => {
            parts.insert(0, ContentPart::text(MARK.to_owned()));
        }
        Content::Missing | Content::Null => *content = Content::Text(MARK.to_owned()),
    }
}

// How a message was spelled, where the neutral model has one word for several spellings.
const NO_CONTENT: &str = "no content";

const LIST: &str = "list";

const FUNCTION_ROLE: &str = "function role";
