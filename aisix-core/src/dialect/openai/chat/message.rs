//! Messages, which requests and answers share.

use std::borrow::Cow;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ID;
use super::wire::{
    self, Content, ContentPart, CustomCall, File, FunctionCall, ImageUrl, InputAudio, Rest,
};
use crate::conversation::{
    CacheHint, Extra, Media, Message, Opaque, Part, PartKind, Reasoning, Role, Source, ToolCall,
    ToolCallKind, ToolResult,
};
use crate::dialect::Carry;

/// What is wrong, and where below the message.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) path: String,
    pub(super) reason: Cow<'static, str>,
    /// Whether it is well formed, only that this format cannot say it.
    pub(super) is_unsupported: bool,
}

/// The words of this conversation for the target: tool names that it accepts.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) carry: Carry,
    /// A conversation of another format may use names that are none here.
    pub(super) is_foreign: bool,
}

// === reading ===

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

/// Reads one piece of a content; an unknown type is kept whole.
pub(super) fn read_part(mut wire: ContentPart) -> Result<Part, Fault> {
    let kind = match wire.kind.as_str() {
        "text" => PartKind::Text(required(wire.text.take(), "text")?),
        "refusal" => PartKind::Refusal(required(wire.refusal.take(), "refusal")?),
        "image_url" => {
            let image = required(wire.image_url.take(), "image_url")?;
            let mut media = Media::from_url(&image.url);
            media.detail = image.detail;
            keep(&mut wire.rest, "image_url", image.rest);
            PartKind::Image(media)
        }
        "input_audio" => {
            let audio = required(wire.input_audio.take(), "input_audio")?;
            keep(&mut wire.rest, "input_audio", audio.rest);
            let media = Media::new(Source::Base64(audio.data));
            PartKind::Audio(media.with_media_type(audio_type(&audio.format)))
        }
        "file" => {
            let file = required(wire.file.take(), "file")?;
            PartKind::File(read_file(file, &mut wire.rest)?)
        }
        "thinking" => match read_thinking(&wire.rest) {
            Some(text) => {
                let mut part = Part::reasoning(text);
                part.extra.note(ID, THINKING);
                return Ok(part);
            }
            None => opaque(&wire),
        },
        _ => opaque(&wire),
    };
    if matches!(kind, PartKind::Opaque(_)) {
        return Ok(kind.into());
    }
    let mut part = Part::new(kind);
    part.cache = read_cache_hint(&wire.rest);
    part.extra = Extra::from_rest(ID, wire.rest);
    if matches!(part.kind, PartKind::Refusal(_)) {
        part.extra.note(ID, REFUSAL_PART);
    }
    Ok(part)
}

fn read_file(file: File, rest: &mut Rest) -> Result<Media, Fault> {
    let mut nested = file.rest;
    let mut media = match (file.file_data, file.file_id) {
        (Some(data), id) => {
            if let Some(id) = id {
                nested.insert("file_id".to_owned(), id.into());
            }
            if data.starts_with("data:") {
                Media::from_url(&data)
            } else {
                Media::new(Source::Base64(data))
            }
        }
        (None, Some(id)) => Media::new(Source::Id(id)),
        (None, None) => return Err(Fault::new("file", "a file needs `file_data` or `file_id`")),
    };
    media.name = file.filename;
    keep(rest, "file", nested);
    Ok(media)
}

/// Mistral's `{"type": "thinking", "thinking": [{"type": "text", "text": …}]}`.
fn read_thinking(rest: &Rest) -> Option<String> {
    let chunks = rest.get("thinking").filter(|_| rest.len() == 1)?;
    chunks
        .as_array()?
        .iter()
        .map(|chunk| {
            let chunk = chunk.as_object().filter(|chunk| chunk.len() == 2)?;
            chunk.get("type").filter(|kind| *kind == "text")?;
            chunk.get("text")?.as_str()
        })
        .collect()
}

/// Takes `thinking_blocks`, `reasoning_content` and `reasoning` out of what the types do not name.
fn read_reasoning(rest: &mut Rest, parts: &mut Vec<Part>, notes: &mut Vec<&'static str>) {
    if let Some(blocks) = rest.get("thinking_blocks").and_then(read_blocks) {
        rest.shift_remove("thinking_blocks");
        parts.extend(blocks);
    }
    for (field, note) in [
        ("reasoning_content", REASONING_CONTENT),
        ("reasoning", REASONING),
    ] {
        if !rest.get(field).is_some_and(Value::is_string) {
            continue;
        }
        let Some(Value::String(text)) = rest.shift_remove(field) else {
            continue;
        };
        notes.push(note);
        let said: String = parts
            .iter()
            .filter_map(Part::as_reasoning)
            .map(|reasoning| reasoning.text.as_str())
            .collect();
        if said != text || text.is_empty() {
            parts.push(Part::reasoning(text));
        }
    }
}

/// Signed reasoning, as LiteLLM spells it.
pub(super) fn read_blocks(blocks: &Value) -> Option<Vec<Part>> {
    let read = |block: &Value| -> Option<Part> {
        let text = |name: &str| block.get(name)?.as_str().map(str::to_owned);
        let mut part = match block.get("type")?.as_str()? {
            "thinking" => {
                let mut part = Part::reasoning(text("thinking").unwrap_or_default());
                part.signature = text("signature").filter(|signature| !signature.is_empty());
                part
            }
            "redacted_thinking" => PartKind::Reasoning(Reasoning::sealed(text("data")?)).into(),
            _ => return None,
        };
        part.extra.note(ID, BLOCK);
        Some(part)
    };
    blocks.as_array()?.iter().map(read).collect()
}

fn read_tool_call(wire: wire::ToolCall, carry: &Carry) -> Result<Part, Fault> {
    let mut rest = wire.rest;
    let (kind, name, arguments) = match (wire.function, wire.custom) {
        (Some(function), _) => {
            keep(&mut rest, "function", function.rest);
            (ToolCallKind::Function, function.name, function.arguments)
        }
        (None, Some(custom)) => {
            keep(&mut rest, "custom", custom.rest);
            (ToolCallKind::Custom, custom.name, custom.input)
        }
        (None, None) => return Err(Fault::new("function", "a call needs its function")),
    };
    if let Some(index) = wire.index {
        rest.insert("index".to_owned(), index.into());
    }
    let name = carry.tool_name(&name.unwrap_or_default()).to_owned();
    let call = ToolCall::new(
        wire.id.unwrap_or_default(),
        name,
        arguments.unwrap_or_default(),
    );
    let mut part = Part::new(PartKind::ToolCall(call.with_kind(kind)));
    part.signature = google_signature(&rest);
    part.extra = Extra::from_rest(ID, rest);
    Ok(part)
}

/// The signature of Gemini, where Google's own compatibility layer puts it.
pub(super) fn google_signature(rest: &Rest) -> Option<String> {
    let google = rest.get("extra_content")?.get("google")?;
    Some(google.get("thought_signature")?.as_str()?.to_owned())
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

/// A breakpoint of OpenAI, or one of Anthropic that some vendors take in this format.
pub(super) fn read_cache_hint(rest: &Rest) -> Option<CacheHint> {
    if rest.contains_key("prompt_cache_breakpoint") {
        return Some(CacheHint::new());
    }
    let control = rest.get("cache_control")?.as_object()?;
    let ttl = control.get("ttl").and_then(Value::as_str);
    Some(ttl.map_or_else(CacheHint::new, |ttl| CacheHint::new().with_ttl(ttl)))
}

// === writing ===

/// Writes one turn of a request: mostly one message, several for a turn with tool results.
pub(super) fn write_turn(
    message: &Message,
    names: &mut Names,
    out: &mut Vec<wire::Message>,
) -> Result<(), Fault> {
    if message.role != Role::Assistant {
        let foreign = message.extra.foreign_to(ID).find(|name| !is_hint(name));
        refuse_foreign(foreign, "")?;
    }
    let mut content = Vec::new();
    for (at, part) in message.parts.iter().enumerate() {
        match &part.kind {
            PartKind::ToolResult(result) => out.push(write_result(message, result)?),
            _ => content.push((at, part)),
        }
    }
    if content.is_empty() && !message.parts.is_empty() {
        return Ok(());
    }
    let mut wire = wire::Message {
        role: Some(message.role.as_str().to_owned()),
        name: message.name.clone(),
        rest: message.extra.fields(ID).cloned().unwrap_or_default(),
        ..wire::Message::default()
    };
    write_content(message, &content, &mut wire)?;
    write_replayed_reasoning(message, &mut wire);
    wire.tool_calls = write_tool_calls(message, names, false);
    out.push(wire);
    Ok(())
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

/// Writes one piece of a content.
fn write_part(part: &Part, is_history: bool) -> Result<ContentPart, Fault> {
    if !is_history {
        refuse_foreign(part.extra.foreign_to(ID).find(|name| !is_hint(name)), "")?;
    }
    let mut wire = ContentPart {
        rest: part.extra.fields(ID).cloned().unwrap_or_default(),
        ..ContentPart::default()
    };
    match &part.kind {
        PartKind::Text(text) => {
            "text".clone_into(&mut wire.kind);
            wire.text = Some(text.clone());
        }
        PartKind::Refusal(text) => {
            "refusal".clone_into(&mut wire.kind);
            wire.refusal = Some(text.clone());
        }
        PartKind::Image(media) => {
            "image_url".clone_into(&mut wire.kind);
            let url = media
                .to_url()
                .ok_or_else(|| Fault::unsupported("an image by id"))?;
            let rest = taken(&mut wire.rest, "image_url");
            let detail = media.detail.clone();
            wire.image_url = Some(ImageUrl { url, detail, rest });
        }
        PartKind::Audio(media) => {
            "input_audio".clone_into(&mut wire.kind);
            let rest = taken(&mut wire.rest, "input_audio");
            wire.input_audio = Some(write_audio(media, rest)?);
        }
        PartKind::File(media) => write_file(media, &mut wire)?,
        PartKind::Reasoning(reasoning) => {
            "thinking".clone_into(&mut wire.kind);
            let thinking = json!([{"type": "text", "text": reasoning.text}]);
            wire.rest.insert("thinking".to_owned(), thinking);
        }
        PartKind::Opaque(Opaque { origin, value }) if *origin == ID => {
            return serde_json::from_value(value.clone())
                .map_err(|error| Fault::new("", error.to_string()));
        }
        PartKind::Opaque(_) | PartKind::ToolCall(_) | PartKind::ToolResult(_) => {
            return Err(Fault::unsupported("a piece of this kind here"));
        }
    }
    Ok(wire)
}

fn write_audio(media: &Media, rest: Rest) -> Result<InputAudio, Fault> {
    match (&media.source, &media.media_type) {
        (Source::Base64(data), Some(media_type)) => Ok(InputAudio {
            data: data.clone(),
            format: audio_format(media_type).to_owned(),
            rest,
        }),
        _ => Err(Fault::unsupported("audio that is not inline")),
    }
}

fn write_file(media: &Media, wire: &mut ContentPart) -> Result<(), Fault> {
    let mut file = File {
        filename: media.name.clone(),
        ..File::default()
    };
    match &media.source {
        Source::Text(text) => {
            "text".clone_into(&mut wire.kind);
            let title = media.name.iter().flat_map(|name| [name.as_str(), "\n\n"]);
            wire.text = Some(title.chain([text.as_str()]).collect());
            return Ok(());
        }
        Source::Id(id) => file.file_id = Some(id.clone()),
        Source::Base64(data) => file.file_data = media.to_url().or_else(|| Some(data.clone())),
        Source::Url(url) if url.starts_with("data:") => file.file_data = Some(url.clone()),
        Source::Url(_) => return Err(Fault::unsupported("a file behind a URL")),
    }
    "file".clone_into(&mut wire.kind);
    let nested = taken(&mut wire.rest, "file");
    file.rest = nested;
    wire.file = Some(file);
    Ok(())
}

fn write_result(message: &Message, result: &ToolResult) -> Result<wire::Message, Fault> {
    let own = message.role == Role::Tool;
    let is_function = message.extra.has_note(ID, FUNCTION_ROLE);
    let mut wire = wire::Message {
        role: Some(if is_function { "function" } else { "tool" }.to_owned()),
        name: result.name.clone().filter(|_| own),
        tool_call_id: (!is_function).then(|| result.call_id.clone()),
        ..wire::Message::default()
    };
    let content: Vec<_> = result.content.iter().enumerate().collect();
    if own {
        wire.rest = message.extra.fields(ID).cloned().unwrap_or_default();
        write_content(message, &content, &mut wire)?;
    } else {
        let plain = Message::new(Role::Tool, Vec::new());
        write_content(&plain, &content, &mut wire)?;
        if matches!(wire.content, Content::Null) {
            wire.content = Content::Text(String::new());
        }
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
            let mark = ContentPart {
                kind: "text".to_owned(),
                text: Some(MARK.to_owned()),
                ..ContentPart::default()
            };
            parts.insert(0, mark);
        }
        Content::Missing | Content::Null => *content = Content::Text(MARK.to_owned()),
    }
}

fn write_tool_calls(
    message: &Message,
    names: &mut Names,
    is_answer: bool,
) -> Option<Vec<wire::ToolCall>> {
    let calls: Vec<_> = message
        .parts
        .iter()
        .filter_map(|part| Some((part, part.as_tool_call()?)))
        .map(|(part, call)| {
            let mut rest = part.extra.fields(ID).cloned().unwrap_or_default();
            if let Some(signature) = part.signature.as_deref().filter(|_| is_answer) {
                write_google_signature(&mut rest, signature);
            }
            let index = rest.shift_remove("index").and_then(|index| index.as_u64());
            let function = taken(&mut rest, "function");
            let custom = taken(&mut rest, "custom");
            let mut wire = write_call(call, names.tool_name(&call.name));
            wire.index = index.and_then(|index| u32::try_from(index).ok());
            if let Some(call) = &mut wire.function {
                call.rest = function;
            }
            if let Some(call) = &mut wire.custom {
                call.rest = custom;
            }
            wire.rest = rest;
            wire
        })
        .collect();
    (!calls.is_empty()).then_some(calls)
}

fn write_call(call: &ToolCall, name: String) -> wire::ToolCall {
    let mut wire = wire::ToolCall {
        id: Some(call.id.clone()),
        ..wire::ToolCall::default()
    };
    match call.kind {
        ToolCallKind::Function => {
            wire.kind = Some("function".to_owned());
            wire.function = Some(FunctionCall {
                name: Some(name),
                arguments: Some(call.arguments.clone()),
                rest: Rest::new(),
            });
        }
        ToolCallKind::Custom => {
            wire.kind = Some("custom".to_owned());
            wire.custom = Some(CustomCall {
                name: Some(name),
                input: Some(call.arguments.clone()),
                rest: Rest::new(),
            });
        }
    }
    wire
}

/// Reasoning goes back to an upstream as it came from this format; of another format only what
/// is unsigned, since nobody else's proof holds here.
fn write_replayed_reasoning(message: &Message, wire: &mut wire::Message) {
    let mut blocks = Vec::new();
    let mut text = String::new();
    let mut has_text = false;
    for part in &message.parts {
        let Some(reasoning) = part.as_reasoning() else {
            continue;
        };
        if part.extra.has_note(ID, THINKING) {
            continue;
        }
        if part.extra.has_note(ID, BLOCK) {
            blocks.push(write_block(part, reasoning));
        } else if part.signature.is_none() && reasoning.sealed.is_none() {
            has_text = true;
            text.push_str(&reasoning.text);
        }
    }
    let shown = [REASONING_CONTENT, REASONING]
        .iter()
        .any(|note| message.extra.has_note(ID, note));
    if !has_text && shown && !blocks.is_empty() {
        has_text = true;
        text = message.reasoning().into_owned();
    }
    if has_text {
        wire.rest
            .insert(reasoning_field(message).to_owned(), text.into());
    }
    if !blocks.is_empty() {
        wire.rest
            .insert("thinking_blocks".to_owned(), blocks.into());
    }
}

/// The caller sees the thoughts as one text, and gets the signed ones in pieces to send back.
fn write_shown_reasoning(message: &Message, rest: &mut Rest) {
    let shown = |part: &&Part| !part.extra.has_note(ID, THINKING);
    let parts = || {
        message
            .parts
            .iter()
            .filter(shown)
            .filter_map(|part| Some((part, part.as_reasoning()?)))
    };
    let is_block = |(part, reasoning): &(&Part, &Reasoning)| {
        part.signature.is_some() || reasoning.sealed.is_some() || part.extra.has_note(ID, BLOCK)
    };
    if parts().any(|(_, reasoning)| reasoning.sealed.is_none()) {
        let text: String = parts()
            .map(|(_, reasoning)| reasoning.text.as_str())
            .collect();
        rest.insert(reasoning_field(message).to_owned(), text.into());
    }
    let blocks: Vec<_> = parts()
        .filter(is_block)
        .map(|(part, reasoning)| write_block(part, reasoning))
        .collect();
    if !blocks.is_empty() {
        rest.insert("thinking_blocks".to_owned(), blocks.into());
    }
}

fn write_block(part: &Part, reasoning: &Reasoning) -> Value {
    match &reasoning.sealed {
        Some(data) => json!({"type": "redacted_thinking", "data": data}),
        None => json!({
            "type": "thinking",
            "thinking": reasoning.text,
            "signature": part.signature.as_deref().unwrap_or_default(),
        }),
    }
}

pub(super) fn write_google_signature(rest: &mut Rest, signature: &str) {
    rest.entry("extra_content")
        .or_insert_with(|| json!({"google": {"thought_signature": signature}}));
}

fn reasoning_field(message: &Message) -> &'static str {
    let noted = |note| message.extra.has_note(ID, note);
    if noted(REASONING) && !noted(REASONING_CONTENT) {
        "reasoning"
    } else {
        "reasoning_content"
    }
}

// === impl Names, Fault ===

impl Names {
    /// The name on the wire: the caller's own, or a made-up one that is the same each time.
    pub(super) fn tool_name(&mut self, name: &str) -> String {
        if !self.is_foreign || is_tool_name(name) {
            return name.to_owned();
        }
        let sent = shorten(name);
        self.carry.rename_tool(name, &sent);
        sent
    }
}

impl Fault {
    pub(super) fn new(path: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.into(),
            is_unsupported: false,
        }
    }

    fn unsupported(what: &str) -> Self {
        Self {
            is_unsupported: true,
            ..Self::new("", format!("the target's format has no way to say {what}"))
        }
    }

    /// The same fault, seen from outside the list `name`.
    pub(super) fn at(mut self, name: &str, index: usize) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{name}[{index}]{dot}{}", self.path);
        self
    }
}

fn refuse_foreign(name: Option<&str>, at: &str) -> Result<(), Fault> {
    match name {
        Some(name) => Err(Fault {
            path: format!("{at}{name}"),
            ..Fault::unsupported(&format!("`{name}`"))
        }),
        None => Ok(()),
    }
}

/// Fields that say where a cached prefix may end: to leave one out changes no answer.
pub(super) fn is_hint(name: &str) -> bool {
    matches!(name, "cache_control" | "prompt_cache_breakpoint")
}

fn is_tool_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Keeps what it can of the name and tells names apart by a hash of the whole.
fn shorten(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut sent: String = name
        .chars()
        .map(|char| match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => char,
            _ => '_',
        })
        .take(MAX_NAME - 9)
        .collect();
    sent.push('_');
    sent.extend(digest.iter().take(4).map(|byte| format!("{byte:02x}")));
    sent
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::new(name, format!("a part of this type needs `{name}`")))
}

fn opaque(wire: &ContentPart) -> PartKind {
    PartKind::Opaque(Opaque::new(ID, json!(wire)))
}

pub(super) fn keep(rest: &mut Rest, name: &str, nested: Rest) {
    if !nested.is_empty() {
        rest.insert(name.to_owned(), nested.into());
    }
}

pub(super) fn taken(rest: &mut Rest, name: &str) -> Rest {
    match rest.shift_remove(name) {
        Some(Value::Object(nested)) => nested,
        _ => Rest::new(),
    }
}

fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

fn audio_format(media_type: &str) -> &str {
    match media_type {
        "audio/mpeg" => "mp3",
        other => other.strip_prefix("audio/").unwrap_or(other),
    }
}

/// The longest name of a tool.
const MAX_NAME: usize = 64;

// How a message was spelled, where the neutral model has one word for several spellings.
const NO_CONTENT: &str = "no content";
const LIST: &str = "list";
const FUNCTION_ROLE: &str = "function role";
const REASONING_CONTENT: &str = "reasoning_content";
const REASONING: &str = "reasoning";
const BLOCK: &str = "thinking_blocks";
const THINKING: &str = "thinking part";
const REFUSAL_PART: &str = "refusal part";
