//! Recorded traffic: what is read and written again means the same.

use super::*;
use crate::dialect::openai::OPENAI_VENDORS;
use crate::dialect::recorded::{self, Entry, Recordings};

fn recordings() -> Option<Recordings> {
    recorded::recordings(OPENAI_VENDORS, "responses", 150)
}

/// One stream; a few recordings hold several, one after another.
fn load_stream(recorded: &Recordings, entry: &Entry) -> Vec<u8> {
    let mut body = recorded.load(&entry.response);
    let text = str::from_utf8(&body).unwrap();
    let last = ["response.completed", "response.incomplete"]
        .iter()
        .filter_map(|name| text.find(&format!("event: {name}\n")))
        .min();
    let end = last.and_then(|at| Some(at + text[at..].find("\n\n")? + 2));
    body.truncate(end.unwrap_or(body.len()));
    body
}

/// Drops what says nothing: `null` members, empty lists beside a text, counts of zero in details,
/// and whether a whole number is written `1` or `1.0`.
fn normal(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let is_reasoning = map.contains_key("summary");
            map.retain(|name, value| {
                let is_list = matches!(&**name, "annotations" | "logprobs")
                    || is_reasoning && name == "content";
                !(value.is_null() || is_list && *value == json!([]))
            });
            for (name, value) in map.iter_mut() {
                normal(value);
                if name.ends_with("_tokens_details")
                    && let Some(details) = value.as_object_mut()
                {
                    details.retain(|_, count| count.as_f64() != Some(0.0));
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(normal),
        Value::Number(number) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => {
            *value = json!(number.as_f64());
        }
        _ => {}
    }
}

fn normalised(bytes: &[u8]) -> Value {
    let mut value = serde_json::from_slice(bytes).unwrap();
    normal(&mut value);
    value
}

#[test]
fn recorded_requests_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in &recorded.entries {
        let Some(file) = &entry.request else { continue };
        let body = recorded.load(file);
        let request = CODEC.read_request(&body).expect(&entry.id);
        let (written, _) = CODEC
            .write_request(&request, &TargetModel::new(&request.model))
            .expect(&entry.id);
        let mut expected = normalised(&body);
        if expected["background"] == false {
            expected.as_object_mut().unwrap().remove("background");
        }
        assert_eq!(normalised(&written), expected, "{}", entry.id);
        assert_eq!(
            CODEC.read_request(&written).unwrap(),
            request,
            "{}",
            entry.id
        );
        count += 1;
    }
    assert!(count > 130, "only {count} requests");
}

#[test]
fn recorded_answers_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in &recorded.entries {
        if entry.stream || entry.status != 200 {
            continue;
        }
        let body = recorded.load(&entry.response);
        let response = CODEC
            .read_response(&body, &Carry::default())
            .expect(&entry.id);
        let written = CODEC.write_response(&response).unwrap();
        let expected = normalised(&body);
        let mut seen = normalised(&written);
        // What every answer has that the gateway makes.
        for (name, value) in seen.as_object_mut().unwrap().clone() {
            if expected.get(&name).is_none() {
                assert!(MADE.contains(&&*name), "{}: {name} {value}", entry.id);
                seen.as_object_mut().unwrap().remove(&name);
            }
        }
        assert_eq!(seen, expected, "{}", entry.id);
        let again = CODEC.read_response(&written, &Carry::default()).unwrap();
        assert_eq!(again.choices, response.choices, "{}", entry.id);
        assert_eq!(again.usage, response.usage, "{}", entry.id);
        count += 1;
    }
    assert!(count > 130, "only {count} answers");
}

#[test]
fn recorded_refusals_keep_their_words() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in recorded.entries.iter().filter(|entry| entry.status >= 400) {
        let body = recorded.load(&entry.response);
        let status = http::StatusCode::from_u16(entry.status).unwrap();
        let error = Dialect::read_error(&CODEC, status, &http::HeaderMap::new(), &body);
        let said: Value = serde_json::from_slice(&body).unwrap();
        let said = said.get("error").unwrap_or(&said);
        assert_eq!(error.status(), status);
        assert_eq!(error.message(), said["message"], "{}", entry.id);
        assert_eq!(error.param(), said["param"].as_str(), "{}", entry.id);
    }
}

/// The items that a stream spells, as far as the neutral model names them.
fn assembled(events: &[ChatEvent]) -> ChatResponse {
    let mut answer = Assembler::new();
    events.iter().cloned().for_each(|event| answer.push(event));
    answer.into_response()
}

#[test]
fn recorded_streams_spell_the_answer_that_they_end_with() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in &recorded.entries {
        if !entry.stream || entry.status != 200 || SHORTENED.contains(&&*entry.id) {
            continue;
        }
        let body = load_stream(&recorded, entry);
        let Ok(events) = decode(&body, usize::MAX) else {
            assert!(FAILED.contains(&&*entry.id), "{}", entry.id);
            continue;
        };
        let last = frames(str::from_utf8(&body).unwrap())
            .into_iter()
            .rfind(|frame| frame.get("response").is_some())
            .unwrap();
        let whole = last["response"].to_string();
        let whole = CODEC
            .read_response(whole.as_bytes(), &Carry::default())
            .unwrap();
        let answer = assembled(&events);
        let (answer, whole_message) = (answer.message().cloned(), whole.message().unwrap());
        let answer = answer.unwrap_or_else(|| Message::new(Role::Assistant, Vec::new()));
        assert_eq!(answer.text(), whole_message.text(), "{}", entry.id);
        assert_eq!(
            answer.tool_calls().collect::<Vec<_>>(),
            whole_message.tool_calls().collect::<Vec<_>>(),
            "{}",
            entry.id
        );
        assert_eq!(
            answer.reasoning(),
            whole_message.reasoning(),
            "{}",
            entry.id
        );
        // OpenAI seals the same thoughts anew for the last event.
        let proofs = |message: &Message| {
            let parts = message.parts.iter();
            parts.filter(|part| part.signature.is_some()).count()
        };
        assert_eq!(proofs(&answer), proofs(whole_message), "{}", entry.id);
        assert_eq!(assembled(&events).finish(), whole.finish(), "{}", entry.id);
        let usage = events.iter().find_map(|event| match event {
            ChatEvent::Usage { usage, .. } => Some(*usage),
            _ => None,
        });
        assert_eq!(usage, whole.usage, "{}", entry.id);
        count += 1;
    }
    assert!(count > 35, "only {count} streams");
}

#[test]
fn recorded_streams_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in &recorded.entries {
        let body = load_stream(&recorded, entry);
        if !entry.stream || entry.status != 200 || FAILED.contains(&&*entry.id) {
            continue;
        }
        let events = decode(&body, usize::MAX).unwrap();
        let written = encode(&events, EncodeOptions::default());
        check_order(&written);
        assert_eq!(
            meaning(&decode(written.as_bytes(), usize::MAX).unwrap()),
            meaning(&events),
            "{}",
            entry.id
        );
    }
}

/// What events say, without the words that only the encoder makes up.
fn meaning(events: &[ChatEvent]) -> ChatResponse {
    let mut answer = assembled(events);
    answer.extra = Extra::default();
    for choice in &mut answer.choices {
        for part in &mut choice.message.parts {
            // The ids of reasoning are told only with its proof.
            if let Some(signature) = &mut part.signature
                && let Some((_, content)) = seal::read_own_signature(signature)
            {
                *signature = content.to_owned();
            }
        }
    }
    answer
}

#[test]
fn recorded_streams_give_the_same_events_for_any_split() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in &recorded.entries {
        let body = load_stream(&recorded, entry);
        if !entry.stream || entry.status != 200 || body.len() > 200_000 {
            continue;
        }
        let Ok(whole) = decode(&body, usize::MAX) else {
            continue;
        };
        for size in [1, 2, 7, 61, 1000] {
            assert_eq!(
                decode(&body, size).unwrap(),
                whole,
                "{} by {size}",
                entry.id
            );
        }
    }
}

#[test]
fn looking_at_recorded_events_finds_what_reading_them_does() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in &recorded.entries {
        if entry.status != 200 {
            continue;
        }
        let body = load_stream(&recorded, entry);
        if !entry.stream {
            let head = CODEC.scan_response(&body).unwrap();
            let response = CODEC.read_response(&body, &Carry::default()).unwrap();
            assert_eq!(head.usage, response.usage, "{}", entry.id);
            assert_eq!(head.finish.as_ref(), response.finish(), "{}", entry.id);
            let model: String = serde_json::from_slice(&body[head.model.unwrap()]).unwrap();
            assert_eq!(model, response.model, "{}", entry.id);
            continue;
        }
        let heads: Vec<_> = str::from_utf8(&body)
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| (data, CODEC.scan_event(data.as_bytes()).unwrap()))
            .collect();
        if FAILED.contains(&&*entry.id) {
            assert!(heads.iter().any(|(_, head)| head.error.is_some()));
            continue;
        }
        let events = decode(&body, usize::MAX).unwrap();
        let ends = heads.iter().filter(|(_, head)| head.is_done).count();
        assert_eq!(ends, 1, "{}", entry.id);
        let seen = heads.iter().rev().find_map(|(_, head)| head.usage);
        let read = events.iter().find_map(|event| match event {
            ChatEvent::Usage { usage, .. } => Some(*usage),
            _ => None,
        });
        assert_eq!(seen, read, "{}", entry.id);
        let (data, head) = &heads[0];
        let model: String = serde_json::from_str(&data[head.model.clone().unwrap()]).unwrap();
        assert!(!model.is_empty());
    }
}

/// Members that an answer has whether the vendor sent them or not.
const MADE: &[&str] = &[
    "background",
    "metadata",
    "reasoning",
    "store",
    "text",
    "tool_choice",
    "tools",
    "truncation",
];

/// Streams from which the recorder cut what their last event repeats.
const SHORTENED: &[&str] = &["openai/responses/vc-openai-openai-shell-container-1-stream"];

/// Streams that report a failure.
const FAILED: &[&str] = &[];
