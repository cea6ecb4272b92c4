//! What an answer says, read from each vendor's own form in a second way than the gateway's.
//!
//! Only what every form can carry: the text, the calls of tools, the totals of the usage. A
//! refusal, or its explanation, counts as text, since not every form has a place of its own for it; reasoning and what
//! a vendor's own tools did do not count.

use serde_json::Value;

use crate::fixtures::Fixture;
use crate::splice::events;

pub mod anthropic;
pub mod chat;
mod complaints;
pub mod gemini;
pub mod responses;

pub use complaints::Complaints;

/// The meaning of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// All text of the first choice.
    pub text: String,
    /// The calls of the caller's own tools: name and arguments.
    pub calls: Vec<(String, Value)>,
    /// The usage, where it was told.
    pub usage: Option<Tokens>,
}

/// Totals: the input with what was cached, the output with the reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of the input.
    pub input: u64,
    /// Of the output.
    pub output: u64,
}

impl Said {
    /// What a recorded answer says.
    #[track_caller]
    pub fn recorded(fixture: &Fixture) -> Self {
        if fixture.stream {
            let events = events(&fixture.response);
            match fixture.endpoint.as_str() {
                "messages" => anthropic::stream(&events),
                "responses" => responses::stream(&events),
                "streamGenerateContent" => gemini::stream(&events),
                _ => chat::stream(&events),
            }
        } else {
            let answer = serde_json::from_slice(&fixture.response)
                .unwrap_or_else(|error| panic!("{error} in {}", fixture.id));
            match fixture.endpoint.as_str() {
                "messages" => anthropic::whole(&answer),
                "responses" => responses::whole(&answer),
                "generateContent" => gemini::whole(&answer),
                _ => chat::whole(&answer),
            }
        }
    }

    fn add_text(&mut self, text: &Value) {
        self.text.push_str(text.as_str().unwrap_or_default());
    }
}

/// Arguments as they are written in JSON inside a string: no text is no arguments, and what is no
/// JSON stays text.
fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
