//! OpenAI's chat completions, and those of vendors that speak them.

use serde_json::Value;

use super::{Said, Tokens, arguments, count, items};

/// A whole answer.
pub fn whole(answer: &Value) -> Said {
    let message = &answer["choices"][0]["message"];
    let mut said = Said {
        usage: usage(&answer["usage"]),
        ..Said::default()
    };
    add_content(&mut said, &message["content"]);
    said.add_text(&message["refusal"]);
    said.calls = items(&message["tool_calls"]).iter().map(call).collect();
    said
}

/// The chunks of a stream.
pub fn stream(chunks: &[Value]) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    let mut indices = Vec::new();
    for chunk in chunks {
        let told = usage(&chunk["usage"]).or_else(|| usage(&chunk["x_groq"]["usage"]));
        said.usage = told.or(said.usage);
        let choices = items(&chunk["choices"]).iter();
        for choice in choices.filter(|choice| count(&choice["index"]) == 0) {
            let delta = &choice["delta"];
            add_content(&mut said, &delta["content"]);
            said.add_text(&delta["refusal"]);
            for piece in items(&delta["tool_calls"]) {
                let index = count(&piece["index"]);
                let at = indices
                    .iter()
                    .position(|known| *known == index)
                    .unwrap_or_else(|| {
                        indices.push(index);
                        calls.push(Default::default());
                        calls.len() - 1
                    });
                let (name, text) = &mut calls[at];
                name.push_str(piece["function"]["name"].as_str().unwrap_or_default());
                text.push_str(piece["function"]["arguments"].as_str().unwrap_or_default());
            }
        }
    }
    said.calls = calls
        .into_iter()
        .map(|(name, text)| (name, arguments(&text)))
        .collect();
    said
}

/// Mistral's models that reason give a list of parts.
fn add_content(said: &mut Said, content: &Value) {
    said.add_text(content);
    for part in items(content) {
        said.add_text(&part["text"]);
    }
}

fn call(call: &Value) -> (String, Value) {
    let function = &call["function"];
    let name = function["name"].as_str().unwrap_or_default();
    let text = function["arguments"].as_str().unwrap_or_default();
    (name.to_owned(), arguments(text))
}

/// xAI counts the reasoning beside the completion, which shows in its total.
fn usage(usage: &Value) -> Option<Tokens> {
    usage.as_object()?;
    let input = count(&usage["prompt_tokens"]);
    let output = count(&usage["completion_tokens"]);
    let reasoning = count(&usage["completion_tokens_details"]["reasoning_tokens"]);
    let beside = count(&usage["total_tokens"]) == input + output + reasoning;
    Some(Tokens {
        input,
        output: output + if beside { reasoning } else { 0 },
    })
}
