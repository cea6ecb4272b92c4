//! What the mock says to a conversation.

use aisix_core::conversation::{
    ChatRequest, ChatResponse, Choice, FinishReason, Message, Part, PartKind, ResponseFormat, Role,
    Tool, ToolCallKind, ToolChoice, Usage,
};
use serde_json::{Value, json};

use super::{Script, schema};

/// The words of a script in the last message, if the caller wrote one there.
pub(super) fn directive(request: &ChatRequest) -> Option<String> {
    let last = request
        .messages
        .last()
        .filter(|message| message.role == Role::User)?;
    let text = last.text();
    let words = text.trim_start().strip_prefix("/mock")?;
    // `/mockery` is a word of the caller's own.
    (words.is_empty() || words.starts_with(char::is_whitespace)).then(|| words.to_owned())
}

pub(super) fn chat(request: &ChatRequest, script: &Script, model: &str) -> ChatResponse {
    let mut response = ChatResponse::new(model);
    let input = request.texts().map(|(_, text)| words(text)).sum();
    let mut output = 0;
    for index in 0..request.n.unwrap_or(1).clamp(1, MOST_CHOICES) {
        let (message, finish) = turn(request, script);
        output += message.parts.iter().map(weight).sum::<u64>();
        response
            .choices
            .push(Choice::new(index, message).with_finish(finish));
    }
    response.id = format!("chatcmpl-mock-{input}-{output}");
    response.with_usage(Usage::new(input, output))
}

fn turn(request: &ChatRequest, script: &Script) -> (Message, FinishReason) {
    if let Some(tool) = tool_to_call(request, script) {
        let (kind, arguments) = match tool {
            Tool::Custom(_) => (ToolCallKind::Custom, "mock".to_owned()),
            Tool::Function(tool) => {
                let parameters = tool.parameters.clone().unwrap_or_else(|| json!({}));
                (
                    ToolCallKind::Function,
                    schema::instance(&parameters).to_string(),
                )
            }
            _ => (ToolCallKind::Function, "{}".to_owned()),
        };
        let name = tool.name().unwrap_or_default().to_owned();
        let call = aisix_core::conversation::ToolCall::new("call_mock_0", name, arguments);
        let part = Part::new(PartKind::ToolCall(call.with_kind(kind)));
        return (
            Message::new(Role::Assistant, vec![part]),
            FinishReason::ToolCalls,
        );
    }
    let text = match (&script.text, script.words) {
        (Some(text), _) => text.clone(),
        (None, Some(count)) => {
            let words: Vec<_> = WORDS.iter().copied().cycle().take(count).collect();
            words.join(" ")
        }
        (None, None) => text(request),
    };
    match request
        .max_tokens
        .and_then(|limit| usize::try_from(limit).ok())
    {
        Some(limit) if text.split_inclusive(' ').count() > limit => {
            let cut: String = text.split_inclusive(' ').take(limit).collect();
            (Message::assistant(cut), FinishReason::Length)
        }
        _ => (Message::assistant(text), FinishReason::Stop),
    }
}

/// The tool that has to be called, or that the script wants called.
fn tool_to_call<'a>(request: &'a ChatRequest, script: &Script) -> Option<&'a Tool> {
    let answers_a_tool = request
        .messages
        .last()
        .is_some_and(|last| last.role == Role::Tool);
    let named = |name: &str| request.tools.iter().find(|tool| tool.name() == Some(name));
    match &request.tool_choice {
        Some(ToolChoice::None) => None,
        Some(ToolChoice::Tool(tool)) => named(&tool.name),
        Some(ToolChoice::Allowed(allowed)) if allowed.required => {
            allowed.tools.first().and_then(|tool| named(&tool.name))
        }
        Some(ToolChoice::Required) => request.tools.first(),
        _ => request
            .tools
            .first()
            .filter(|_| script.tool && !answers_a_tool),
    }
}

/// An answer that shows what arrived.
fn text(request: &ChatRequest) -> String {
    match &request.format {
        Some(ResponseFormat::JsonSchema(format)) => {
            let schema = format
                .schema
                .clone()
                .unwrap_or_else(|| json!({"type": "object"}));
            return schema::instance(&schema).to_string();
        }
        Some(ResponseFormat::JsonObject) => return json!({"answer": "mock"}).to_string(),
        _ => {}
    }
    let Some(last) = request.messages.last() else {
        return "Hello!".to_owned();
    };
    if last.role == Role::Tool {
        let results = last
            .parts
            .iter()
            .flat_map(Part::texts)
            .collect::<Vec<_>>()
            .join(" ");
        return format!("The tool says: {results}");
    }
    let images = last
        .parts
        .iter()
        .filter(|part| matches!(part.kind, PartKind::Image(_)))
        .count();
    match images {
        0 => format!("You said: {}", last.text()),
        1 => format!("I see one image. You said: {}", last.text()),
        n => format!("I see {n} images. You said: {}", last.text()),
    }
}

/// A token is a word here.
fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn weight(part: &Part) -> u64 {
    match &part.kind {
        PartKind::ToolCall(call) => {
            let arguments = serde_json::from_str::<Value>(&call.arguments);
            1 + arguments.map_or(1, |value| {
                value.as_object().map_or(1, |map| map.len() as u64)
            })
        }
        _ => part.texts().map(words).sum(),
    }
}

const MOST_CHOICES: u32 = 8;

const WORDS: &[&str] = &[
    "the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog",
];
