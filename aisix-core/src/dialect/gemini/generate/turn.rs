//! Turns, and the instruction of the system.

use super::ID;
use super::fault::{Turn, foreign_field, invalid, unsupported};
use super::media::write_media;
use super::part::{read_part, write_part};
use super::shown::pictures_of;
use super::wire::{self, Content};
use super::words::Words;
use crate::conversation::{ChatRequest, Extra, Message, Part, PartKind, Role};
use crate::dialect::Carry;
use crate::dialect::gemini::models::Generation;
use crate::error::Result;

// === reading ===

pub(super) fn read_system(system: Content) -> Message {
    let parts = system.parts.into_iter().flatten();
    let parts = parts.map(|part| read_part(part, &Carry::default(), |_| String::new()));
    let mut message = Message::new(Role::System, parts.collect());
    message.extra = Extra::with_fields(ID, system.rest);
    if system.role.is_some() {
        message.extra.note(ID, ROLE);
    }
    message
}

/// Reads the turns; calls without ids get some, and results find their calls by name and order.
pub(super) fn read_contents(contents: Vec<Content>) -> Result<Vec<Message>> {
    let mut open: Vec<(String, String)> = Vec::new();
    let mut messages = Vec::with_capacity(contents.len());
    for (at, content) in contents.into_iter().enumerate() {
        let mut parts = Vec::new();
        for (number, part) in content.parts.into_iter().flatten().enumerate() {
            let mut part = read_part(part, &Carry::default(), |_| format!("call_{at}_{number}"));
            match &mut part.kind {
                PartKind::ToolCall(call) => open.push((call.id.clone(), call.name.clone())),
                PartKind::ToolResult(result) => {
                    let name = result.name.as_deref();
                    let is_of = |(id, called): &(String, String)| {
                        *id == result.call_id
                            || result.call_id.is_empty() && name == Some(called.as_str())
                    };
                    if let Some(found) = open.iter().position(is_of) {
                        result.call_id = open.remove(found).0;
                    }
                }
                _ => {}
            }
            parts.push(part);
        }
        let mut note = None;
        let role = match content.role.as_deref() {
            Some("model") => Role::Assistant,
            Some("function") => {
                note = Some(FUNCTION);
                Role::Tool
            }
            Some("user") => role_of(&parts),
            None | Some("") => {
                note = Some(NO_ROLE);
                role_of(&parts)
            }
            Some(other) => {
                let reason = format!("unknown role `{other}`");
                return Err(invalid(format!("contents[{at}].role"), &reason));
            }
        };
        let mut message = Message::new(role, parts);
        message.extra = Extra::with_fields(ID, content.rest);
        if let Some(note) = note {
            message.extra.note(ID, note);
        }
        messages.push(message);
    }
    Ok(messages)
}

/// A turn of results alone is one of tools.
fn role_of(parts: &[Part]) -> Role {
    let only_results = parts.iter().all(|part| part.as_tool_result().is_some());
    if only_results && !parts.is_empty() {
        Role::Tool
    } else {
        Role::User
    }
}

// === writing ===

/// A turn on the wire that may still grow.
struct Draft {
    kind: Kind,
    is_own: bool,
    /// With the places of the calls that results belong to.
    parts: Vec<(usize, wire::Part)>,
    role: Option<&'static str>,
    rest: wire::Rest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Model,
    /// Results of tools; the vendor wants those of one turn together, and in order.
    Results,
}

/// Members of an answer that say what no part of it does: OpenAI's sound, and its calls of old.
const SAID: &[&str] = &["audio", "function_call"];

/// Writes the turns, and what the system said anywhere among them.
pub(super) fn write_contents<'a>(
    request: &'a ChatRequest,
    words: &mut Words<'a>,
) -> Result<(Option<Content>, Vec<Content>)> {
    let mut system: Option<Content> = None;
    let mut drafts = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let turn = Turn::new(request, at);
        let is_answer = message.role == Role::Assistant;
        // Callers send answers back with whatever their vendor had put there; what the model said is
        // a part of it, except for what stands in no part.
        let counts = |field: &&str| !is_answer || SAID.contains(field);
        if let Some(field) = foreign_field(&message.extra).filter(counts) {
            return Err(unsupported(
                turn.path(&format!(".{field}")),
                &format!("`{field}`"),
            ));
        }
        if matches!(message.role, Role::System | Role::Developer) {
            write_system(message, turn, words, system.get_or_insert_default())?;
        } else {
            write_turn(message, turn, words, &mut drafts)?;
        }
    }
    let mut contents: Vec<_> = drafts.into_iter().map(Draft::into_content).collect();
    let system = system.filter(|system| system.parts.as_ref().is_some_and(|p| !p.is_empty()));
    let takes_system = words.model.generation > Generation::Gemma && !contents.is_empty();
    match system {
        Some(system) if !takes_system && !words.is_own => {
            say_first(system, &mut contents);
            Ok((None, contents))
        }
        system => Ok((system, contents)),
    }
}

/// What the system says becomes the beginning of what the person says: for models that take no
/// instruction, and for conversations of nothing else.
fn say_first(system: Content, contents: &mut Vec<Content>) {
    match contents.first_mut() {
        Some(first) if first.role.as_deref() == Some("user") => {
            let parts = first.parts.get_or_insert_default();
            parts.splice(0..0, system.parts.into_iter().flatten());
        }
        _ => {
            let role = Some("user".to_owned());
            contents.insert(0, Content { role, ..system });
        }
    }
}

fn write_system<'a>(
    message: &'a Message,
    turn: Turn,
    words: &mut Words<'a>,
    system: &mut Content,
) -> Result<()> {
    if message.extra.has_note(ID, ROLE) {
        system.role = Some("user".to_owned());
    }
    system
        .rest
        .extend(message.extra.fields(ID).cloned().unwrap_or_default());
    let parts = system.parts.get_or_insert_default();
    for (at, part) in message.parts.iter().enumerate() {
        if part.as_text().is_none() && !words.is_own {
            return Err(unsupported(
                turn.part(at),
                "anything but text as the system",
            ));
        }
        parts.extend(write_part(part, at, message.role, turn, words)?);
    }
    Ok(())
}

fn write_turn<'a>(
    message: &'a Message,
    turn: Turn,
    words: &mut Words<'a>,
    drafts: &mut Vec<Draft>,
) -> Result<()> {
    let is_own = message.extra.origin() == Some(ID);
    let kind = match message.role {
        Role::Assistant => Kind::Model,
        _ => Kind::User,
    };
    if kind == Kind::Model {
        words.begin_turn();
    }
    let mut results = Vec::new();
    let mut parts = Vec::new();
    for (at, part) in message.parts.iter().enumerate() {
        let Some(wire) = write_part(part, at, message.role, turn, words)? else {
            continue;
        };
        match part.as_tool_result() {
            Some(result) if !is_own => {
                let place = words
                    .called(&result.call_id)
                    .map_or(usize::MAX, |(at, _)| at);
                results.push((place, wire));
            }
            _ => parts.push((0, wire)),
        }
    }
    if kind == Kind::Model && !is_own {
        for (at, picture) in pictures_of(message).enumerate() {
            let param = turn.path(&format!(".images[{at}]"));
            parts.push((0, write_media(&picture, &param, false)?));
        }
        if words.model.is_three() {
            sign_calls(&mut parts);
        }
    }
    if is_own {
        drafts.push(Draft {
            kind,
            is_own,
            parts,
            role: own_role(message),
            rest: message.extra.fields(ID).cloned().unwrap_or_default(),
        });
    } else {
        push(Kind::Results, results, drafts);
        push(kind, parts, drafts);
    }
    Ok(())
}

fn own_role(message: &Message) -> Option<&'static str> {
    if message.extra.has_note(ID, NO_ROLE) {
        None
    } else if message.extra.has_note(ID, FUNCTION) {
        Some("function")
    } else if message.role == Role::Assistant {
        Some("model")
    } else {
        Some("user")
    }
}

/// Turns of one side that follow each other are one.
fn push(kind: Kind, parts: Vec<(usize, wire::Part)>, drafts: &mut Vec<Draft>) {
    if parts.is_empty() {
        return;
    }
    match drafts.last_mut() {
        Some(last) if last.kind == kind && !last.is_own => last.parts.extend(parts),
        _ => drafts.push(Draft {
            kind,
            is_own: false,
            parts,
            role: Some(if kind == Kind::Model { "model" } else { "user" }),
            rest: wire::Rest::new(),
        }),
    }
}

/// From Gemini 3 on the first call of a step must be signed; of calls that another model made, or
/// whose signature was lost on the way, the vendor takes this word in its place.
///
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
fn sign_calls(parts: &mut [(usize, wire::Part)]) {
    let mut calls = parts
        .iter_mut()
        .map(|(_, part)| part)
        .filter(|part| part.function_call.is_some());
    let Some(first) = calls.next() else { return };
    if first.thought_signature.is_none() && calls.all(|part| part.thought_signature.is_none()) {
        first.thought_signature = Some("skip_thought_signature_validator".to_owned());
    }
}

impl Draft {
    fn into_content(mut self) -> Content {
        if self.kind == Kind::Results {
            self.parts.sort_by_key(|(place, _)| *place);
        }
        Content {
            role: self.role.map(str::to_owned),
            parts: Some(self.parts.into_iter().map(|(_, part)| part).collect()),
            rest: self.rest,
        }
    }
}

// How a turn was spelled.
const NO_ROLE: &str = "no role";
const FUNCTION: &str = "function role";
const ROLE: &str = "role";
