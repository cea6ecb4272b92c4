//! What a model thought, in the spellings of the vendors that show it.

use serde_json::{Value, json};

use super::ID;
use super::wire::{self, Rest};
use crate::conversation::{Message, Part, PartKind, Reasoning};

/// Takes `thinking_blocks`, `reasoning_content` and `reasoning` out of what the types do not name.
pub(super) fn read_reasoning(
    rest: &mut Rest,
    parts: &mut Vec<Part>,
    notes: &mut Vec<&'static str>,
) {
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
        push_shown(text, parts);
    }
}

/// Adds what is shown of the thoughts to those that came with a proof, unless it is the same. Where
/// the proofs stand alone, as LiteLLM streams them, it is the text of the first.
fn push_shown(text: String, parts: &mut Vec<Part>) {
    let mut said = String::new();
    let mut bare = None;
    for (at, part) in parts.iter().enumerate() {
        let Some(reasoning) = part.as_reasoning() else {
            continue;
        };
        said.push_str(&reasoning.text);
        let is_signed = part.signature.is_some() && reasoning.sealed.is_none();
        if bare.is_none() && is_signed && reasoning.text.is_empty() {
            bare = Some(at);
        }
    }
    let is_known = said == text && !parts.is_empty();
    if is_known {
        return;
    }
    // What was told before the thoughts that are signed, or behind them.
    let rest = text.strip_suffix(&*said).map(|rest| (0, rest));
    let behind = |rest| (parts.len(), rest);
    let (place, rest) = rest
        .or_else(|| text.strip_prefix(&*said).map(behind))
        .unwrap_or_else(|| behind(&*text));
    match bare.and_then(|at| parts.get_mut(at)) {
        Some(Part {
            kind: PartKind::Reasoning(reasoning),
            ..
        }) => rest.clone_into(&mut reasoning.text),
        _ if said.is_empty() => parts.push(Part::reasoning(text)),
        _ => parts.insert(place, Part::reasoning(rest)),
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

/// Mistral's `{"type": "thinking", "thinking": [{"type": "text", "text": …}]}`.
pub(super) fn read_thinking(rest: &Rest) -> Option<String> {
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

/// Reasoning goes back to an upstream as it came from this format; of another format only what
/// is unsigned, since nobody else's proof holds here.
pub(super) fn write_replayed_reasoning(message: &Message, wire: &mut wire::Message) {
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
    if shown && !blocks.is_empty() {
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
pub(super) fn write_shown_reasoning(message: &Message, rest: &mut Rest) {
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
    if parts().any(|(_, reasoning)| reasoning.sealed.is_none() || !reasoning.text.is_empty()) {
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

fn reasoning_field(message: &Message) -> &'static str {
    let noted = |note| message.extra.has_note(ID, note);
    if noted(REASONING) && !noted(REASONING_CONTENT) {
        "reasoning"
    } else {
        "reasoning_content"
    }
}

// How the reasoning was spelled.
const REASONING_CONTENT: &str = "reasoning_content";

const REASONING: &str = "reasoning";

const BLOCK: &str = "thinking_blocks";

/// The piece stood in the content.
pub(super) const THINKING: &str = "thinking part";
