//! OpenAI's responses.

use serde_json::Value;

use super::{Said, Tokens, arguments, count, items};

/// A whole response.
pub fn whole(response: &Value) -> Said {
    let usage = &response["usage"];
    let mut said = Said {
        usage: usage.is_object().then(|| Tokens {
            input: count(&usage["input_tokens"]),
            output: count(&usage["output_tokens"]),
        }),
        ..Said::default()
    };
    for item in items(&response["output"]) {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        match item["type"].as_str() {
            Some("message") => {
                for part in items(&item["content"]) {
                    said.add_text(&part["text"]);
                    said.add_text(&part["refusal"]);
                }
            }
            Some("function_call") => {
                let call = (text("name").to_owned(), arguments(text("arguments")));
                said.calls.push(call);
            }
            Some("custom_tool_call") => {
                let call = (text("name").to_owned(), Value::from(text("input")));
                said.calls.push(call);
            }
            _ => {}
        }
    }
    said
}

/// The events of a stream, put together from its deltas; the usage is the last event's.
pub fn stream(events: &[Value]) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<Call> = Vec::new();
    for event in events {
        match event["type"].as_str() {
            Some("response.output_text.delta" | "response.refusal.delta") => {
                said.add_text(&event["delta"]);
            }
            Some("response.output_item.added") => {
                let item = &event["item"];
                let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
                let is_custom = item["type"] == "custom_tool_call";
                if is_custom || item["type"] == "function_call" {
                    calls.push(Call {
                        at: count(&event["output_index"]),
                        name: text("name"),
                        text: text(if is_custom { "input" } else { "arguments" }),
                        is_custom,
                    });
                }
            }
            Some(
                "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta",
            ) => {
                let index = count(&event["output_index"]);
                if let Some(call) = calls.iter_mut().find(|call| call.at == index) {
                    call.text += event["delta"].as_str().unwrap_or_default();
                }
            }
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                said.usage = whole(&event["response"]).usage;
                // Some recordings go on with the next response.
                break;
            }
            _ => {}
        }
    }
    said.calls = calls.into_iter().map(Call::whole).collect();
    said
}

struct Call {
    at: u64,
    name: String,
    text: String,
    is_custom: bool,
}

impl Call {
    fn whole(self) -> (String, Value) {
        let input = match self.is_custom {
            true => Value::from(self.text),
            false => arguments(&self.text),
        };
        (self.name, input)
    }
}
