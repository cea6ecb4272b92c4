//! Recorded traffic: what is read and written again means the same.

use std::collections::BTreeMap;

use super::*;
use crate::conversation::{Assembler, Extra};
use crate::dialect::Dialect;
use crate::dialect::recorded::{self, Recordings};

fn recordings(endpoint: &str, at_least: usize) -> Option<Recordings> {
    recorded::recordings(&["gemini"], endpoint, at_least)
}

/// Camel case throughout, but for what the caller named itself.
fn camel(value: Value) -> Value {
    let rename = |name: String| {
        let mut words = name.split('_');
        let mut camel = words.next().unwrap_or_default().to_owned();
        for word in words {
            let mut letters = word.chars();
            camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            camel.push_str(letters.as_str());
        }
        camel
    };
    const FREE: [&str; 9] = [
        "args",
        "response",
        "parameters",
        "parametersJsonSchema",
        "responseJsonSchema",
        "responseSchema",
        "toolCall",
        "toolResponse",
        "modelArmorConfig",
    ];
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let name = rename(name);
                let value = if FREE.contains(&name.as_str()) {
                    value
                } else {
                    camel(value)
                };
                (name, value)
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(camel).collect(),
        other => other,
    }
}

/// What may be spelled differently: snake case, one tool outside a list, whole numbers as floats,
/// the case of types, a configuration of nothing.
fn normal(mut value: Value) -> Value {
    value = camel(value);
    if value["generationConfig"] == json!({}) {
        value
            .as_object_mut()
            .unwrap()
            .shift_remove("generationConfig");
    }
    if let Some(tools @ Value::Object(_)) = value.get_mut("tools") {
        *tools = json!([tools.take()]);
    }
    if let Some(Value::Array(tools)) = value.get_mut("tools") {
        for tool in tools {
            if let Some(file) = tool.get("fileSearch").cloned() {
                tool["fileSearch"] =
                    json!({"fileSearchStoreNames": file.as_object().unwrap().values().next()});
            }
        }
    }
    spell(&mut value);
    value
}

fn spell(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("functionCall") {
                let call = map["functionCall"].as_object_mut().unwrap();
                call.entry("args").or_insert_with(|| json!({}));
            }
            if let Some(kind) = map.get("type").and_then(Value::as_str) {
                map["type"] = kind.to_ascii_lowercase().into();
            }
            map.values_mut().for_each(spell);
        }
        Value::Array(values) => values.iter_mut().for_each(spell),
        Value::Number(number) => {
            if let Some(float) = number.as_f64() {
                *value = json!(float);
            }
        }
        _ => {}
    }
}

#[test]
fn recorded_requests_mean_the_same_when_written_again() {
    let mut count = 0;
    for endpoint in ["generateContent", "streamGenerateContent"] {
        let Some(recorded) = recordings(endpoint, 10) else {
            return;
        };
        for entry in &recorded.entries {
            let Some(file) = &entry.request else { continue };
            let body = recorded.load(file);
            let request = CODEC.read_request(&body).expect(&entry.id);
            let (written, _) = CODEC
                .write_request(&request, &TargetModel::new("gemini-3-flash"))
                .expect(&entry.id);
            let value = |body: &[u8]| normal(serde_json::from_slice(body).unwrap());
            assert_eq!(value(&written), value(&body), "{}", entry.id);
            assert_eq!(
                CODEC.read_request(&written).unwrap(),
                request,
                "{}",
                entry.id
            );
            count += 1;
        }
    }
    assert!(count > 130, "only {count} requests");
}

/// An answer without empty texts and without what is written from other members.
fn normal_answer(body: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(body).unwrap();
    spell(&mut value);
    for candidate in value["candidates"].as_array_mut().into_iter().flatten() {
        candidate
            .as_object_mut()
            .unwrap()
            .entry("index")
            .or_insert(json!(0.0));
        let content = candidate.as_object_mut().unwrap().entry("content");
        let content = content
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .unwrap();
        content.entry("role").or_insert_with(|| "model".into());
        if let Some(Value::Array(parts)) = content.get_mut("parts") {
            parts.retain(|part| part["text"] != "" || part.get("thoughtSignature").is_some());
            if parts.is_empty() {
                content.shift_remove("parts");
            }
        }
    }
    if let Some(usage) = value.get_mut("usageMetadata") {
        usage
            .as_object_mut()
            .unwrap()
            .retain(|_, count| *count != 0.0);
    }
    value
}

#[test]
fn recorded_answers_mean_the_same_when_written_again() {
    let Some(recorded) = recordings("generateContent", 100) else {
        return;
    };
    let mut finishes = BTreeMap::<String, u32>::new();
    for entry in recorded.entries.iter().filter(|entry| entry.status == 200) {
        let body = recorded.load(&entry.response);
        let response = CODEC
            .read_response(&body, &Carry::default())
            .expect(&entry.id);
        let written = CODEC.write_response(&response).unwrap();
        assert_eq!(
            normal_answer(&written),
            normal_answer(&body),
            "{}",
            entry.id
        );
        *finishes
            .entry(format!("{:?}", response.finish()))
            .or_default() += 1;

        let head = CODEC.scan_response(&body).expect(&entry.id);
        assert_eq!(head.usage, response.usage, "{}", entry.id);
        assert_eq!(head.finish.as_ref(), response.finish(), "{}", entry.id);
        let model: String = serde_json::from_slice(&body[head.model.unwrap()]).unwrap();
        assert_eq!(model, response.model, "{}", entry.id);

        let chat = Chat::new().write_response(&response).unwrap();
        let again = Chat::new().read_response(&chat, &Carry::default()).unwrap();
        assert_eq!(again.text(), response.text(), "{}", entry.id);
        let calls = |response: &ChatResponse| -> Vec<_> {
            response.message().unwrap().tool_calls().cloned().collect()
        };
        assert_eq!(calls(&again), calls(&response), "{}", entry.id);
        assert_eq!(again.usage, response.usage, "{}", entry.id);
    }
    println!("{finishes:?}");
}

#[test]
fn recorded_refusals_keep_their_words() {
    let Some(recorded) = recordings("generateContent", 100) else {
        return;
    };
    for entry in recorded.entries.iter().filter(|entry| entry.status >= 400) {
        let body = recorded.load(&entry.response);
        let status = http::StatusCode::from_u16(entry.status).unwrap();
        let error = CODEC.read_error(status, &http::HeaderMap::new(), &body);
        let said: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(error.status(), status, "{}", entry.id);
        assert_eq!(error.message(), said["error"]["message"], "{}", entry.id);
    }
}

fn assemble(events: &[ChatEvent]) -> ChatResponse {
    let mut assembler = Assembler::new();
    for event in events {
        assembler.push(event.clone());
    }
    assembler.into_response()
}

/// What a stream says, read without the codec.
fn text_of(body: &[u8]) -> String {
    let events = str::from_utf8(body).unwrap().split("\r\n");
    let events = events.filter_map(|line| line.strip_prefix("data: "));
    let mut text = String::new();
    for event in events {
        let event: Value = serde_json::from_str(event).unwrap();
        let parts = event.pointer("/candidates/0/content/parts");
        for part in parts.and_then(Value::as_array).into_iter().flatten() {
            if part.get("thought").is_none() {
                text.push_str(part["text"].as_str().unwrap_or_default());
            }
        }
    }
    text
}

#[test]
fn recorded_streams_mean_the_same_however_they_are_split_and_written() {
    let Some(recorded) = recordings("streamGenerateContent", 15) else {
        return;
    };
    for entry in recorded.entries.iter().filter(|entry| entry.status == 200) {
        let body = recorded.load(&entry.response);
        let events = decode(&body, usize::MAX).expect(&entry.id);
        for size in [1, 3, 61, 1000] {
            assert_eq!(
                decode(&body, size).unwrap(),
                events,
                "{} by {size}",
                entry.id
            );
        }
        let answer = assemble(&events);
        assert_eq!(answer.text(), text_of(&body), "{}", entry.id);
        assert!(
            answer.finish().is_some() && answer.usage.is_some(),
            "{}",
            entry.id
        );

        let plain = |mut answer: ChatResponse| {
            answer.extra = Extra::default();
            answer.service_tier = None;
            answer
        };
        let again = assemble(&decode(encode(&events).as_bytes(), usize::MAX).unwrap());
        assert_eq!(plain(again), plain(answer.clone()), "{}", entry.id);

        let chat = encode_with(&Chat::new(), &events);
        let chat = assemble(&decode_with(&Chat::new(), chat.as_bytes(), usize::MAX).unwrap());
        assert_eq!(chat.text(), answer.text(), "{}", entry.id);
        assert_eq!(chat.usage, answer.usage, "{}", entry.id);
        let calls = |answer: &ChatResponse| -> Vec<_> {
            answer.message().unwrap().tool_calls().cloned().collect()
        };
        assert_eq!(calls(&chat), calls(&answer), "{}", entry.id);
    }
}

#[test]
fn looking_at_recorded_events_finds_what_reading_them_does() {
    let Some(recorded) = recordings("streamGenerateContent", 15) else {
        return;
    };
    for entry in recorded.entries.iter().filter(|entry| entry.status == 200) {
        let body = recorded.load(&entry.response);
        let events = decode(&body, usize::MAX).unwrap();
        let heads: Vec<_> = str::from_utf8(&body)
            .unwrap()
            .split("\r\n\r\n")
            .filter_map(|frame| frame.strip_prefix("data: "))
            .map(|data| CODEC.scan_event(data.as_bytes()).expect(&entry.id))
            .collect();
        assert_eq!(
            heads.iter().filter(|head| head.is_finish).count(),
            1,
            "{}",
            entry.id
        );
        let seen = heads.iter().rev().find_map(|head| head.usage);
        assert_eq!(seen, assemble(&events).usage, "{}", entry.id);
        assert_eq!(
            heads.iter().any(|head| head.content_bytes > 0),
            events.iter().any(ChatEvent::is_content),
            "{}",
            entry.id
        );
    }
}

/// Nonsense may be an error or an answer; it must come to an end without a panic.
#[test]
fn mutilated_traffic_is_survived() {
    let mut random = fastrand::Rng::with_seed(3);
    for endpoint in ["generateContent", "streamGenerateContent"] {
        let Some(recorded) = recordings(endpoint, 10) else {
            return;
        };
        for entry in recorded.entries.iter().step_by(5) {
            let whole = recorded.load(&entry.response);
            for _ in 0..20 {
                let mut body = whole[..random.usize(0..=whole.len())].to_vec();
                for _ in 0..random.usize(0..4) {
                    if let Some(byte) = random.choice(&mut body) {
                        *byte = random.choice(b"\"{}[],:0\\\xff").copied().unwrap_or(b' ');
                    }
                }
                drop(CODEC.read_response(&body, &Carry::default()));
                drop(CODEC.read_request(&body));
                drop(CODEC.scan_event(&body));
                drop(decode(&body, 4096));
            }
        }
    }
}
