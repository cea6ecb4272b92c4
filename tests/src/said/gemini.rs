//! Gemini's `generateContent`.

use serde_json::{Value, json};

use super::{Said, Tokens, count, items};

/// A whole answer.
pub fn whole(answer: &Value) -> Said {
    stream(std::slice::from_ref(answer))
}

/// The events of a stream: each has new parts, and counts that replace earlier ones.
pub fn stream(events: &[Value]) -> Said {
    let mut said = Said::default();
    let mut counts = json!({});
    for event in events {
        for (name, value) in event["usageMetadata"].as_object().into_iter().flatten() {
            counts[name] = value.clone();
        }
        for part in items(&event["candidates"][0]["content"]["parts"]) {
            if part["thought"] != true {
                said.add_text(&part["text"]);
            }
            if let Some(call) = part.get("functionCall") {
                read_call(call, &mut said.calls);
            }
        }
    }
    said.usage = Some(usage(&counts));
    said
}

/// A call has a name; a part without one goes on with the last call's arguments.
fn read_call(call: &Value, calls: &mut Vec<(String, Value)>) {
    if let Some(name) = call["name"].as_str() {
        let args = call.get("args").cloned().unwrap_or_else(|| json!({}));
        calls.push((name.to_owned(), args));
    }
    let Some((_, args)) = calls.last_mut() else {
        return;
    };
    for piece in items(&call["partialArgs"]) {
        let value = at(args, piece["jsonPath"].as_str().unwrap_or_default());
        match piece["stringValue"].as_str() {
            Some(more) => *value = json!(value.as_str().unwrap_or_default().to_owned() + more),
            None => {
                let typed = ["numberValue", "boolValue"].map(|key| piece.get(key));
                *value = typed.into_iter().flatten().next().cloned().into();
            }
        }
    }
}

/// The place that `$.a.b[0].c` names, made where there is none.
fn at<'a>(value: &'a mut Value, path: &str) -> &'a mut Value {
    let path = path
        .trim_start_matches('$')
        .replace('[', ".")
        .replace(']', "");
    let mut place = value;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        place = match step.parse::<usize>() {
            Ok(index) => {
                if !place.is_array() {
                    *place = json!([]);
                }
                let items = place.as_array_mut().expect("just made one");
                while items.len() <= index {
                    items.push(Value::Null);
                }
                &mut items[index]
            }
            Err(_) => &mut place[step],
        };
    }
    place
}

/// Thoughts are counted beside the candidates, but where the total says that they are among them.
fn usage(usage: &Value) -> Tokens {
    let input = count(&usage["promptTokenCount"]) + count(&usage["toolUsePromptTokenCount"]);
    let output = count(&usage["candidatesTokenCount"]);
    let thoughts = count(&usage["thoughtsTokenCount"]);
    let among = thoughts > 0 && count(&usage["totalTokenCount"]) == input + output;
    Tokens {
        input,
        output: output + if among { 0 } else { thoughts },
    }
}
