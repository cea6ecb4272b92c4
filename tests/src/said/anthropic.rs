//! Anthropic's messages.

use serde_json::{Value, json};

use super::{Said, Tokens, arguments, count, items};

/// A whole message.
pub fn whole(message: &Value) -> Said {
    let mut said = Said {
        usage: message["usage"]
            .is_object()
            .then(|| usage(&message["usage"])),
        ..Said::default()
    };
    said.add_text(&message["stop_details"]["explanation"]);
    for block in items(&message["content"]) {
        match block["type"].as_str() {
            Some("text") => said.add_text(&block["text"]),
            Some("tool_use") => said.calls.push((name(block), block["input"].clone())),
            _ => {}
        }
    }
    said
}

/// The events of a stream.
pub fn stream(events: &[Value]) -> Said {
    let mut said = Said::default();
    let mut counts = json!({});
    let mut open = None;
    for event in events {
        match event["type"].as_str() {
            Some("message_start") => merge(&mut counts, &event["message"]["usage"]),
            Some("message_delta") => {
                said.add_text(&event["delta"]["stop_details"]["explanation"]);
                merge(&mut counts, &event["usage"]);
            }
            // Some recordings go on with the next message.
            Some("message_stop") => break,
            Some("content_block_start") => {
                let block = &event["content_block"];
                match block["type"].as_str() {
                    Some("text") => said.add_text(&block["text"]),
                    Some("tool_use") => open = Some((block.clone(), String::new())),
                    _ => {}
                }
            }
            Some("content_block_delta") => {
                let delta = &event["delta"];
                said.add_text(&delta["text"]);
                if let Some((_, json)) = &mut open {
                    json.push_str(delta["partial_json"].as_str().unwrap_or_default());
                }
            }
            Some("content_block_stop") => {
                if let Some((block, json)) = open.take() {
                    // A block may come with its whole input and no delta.
                    let input = match json.is_empty() {
                        true => block["input"].clone(),
                        false => arguments(&json),
                    };
                    said.calls.push((name(&block), input));
                }
            }
            _ => {}
        }
    }
    said.usage = Some(usage(&counts));
    said
}

fn name(block: &Value) -> String {
    block["name"].as_str().unwrap_or_default().to_owned()
}

/// Later counts replace earlier ones; what they leave out stands.
fn merge(counts: &mut Value, told: &Value) {
    for (name, value) in told.as_object().into_iter().flatten() {
        if !value.is_null() {
            counts[name] = value.clone();
        }
    }
}

/// The text before a compaction is counted apart from the top-level counts, in the iteration that
/// wrote the summary.
fn usage(usage: &Value) -> Tokens {
    let mut tokens = tokens(usage);
    for iteration in items(&usage["iterations"]) {
        if iteration["type"] == "compaction" {
            let more = self::tokens(iteration);
            tokens.input += more.input;
            tokens.output += more.output;
        }
    }
    tokens
}

fn tokens(usage: &Value) -> Tokens {
    Tokens {
        input: count(&usage["input_tokens"])
            + count(&usage["cache_creation_input_tokens"])
            + count(&usage["cache_read_input_tokens"]),
        output: count(&usage["output_tokens"]),
    }
}
