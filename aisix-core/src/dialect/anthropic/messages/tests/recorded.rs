//! Recorded traffic: what is read and written again means the same.

use super::*;
use crate::conversation::{Assembler, PartKind};
use crate::dialect::Dialect;
use crate::dialect::anthropic::CountTokens;
use crate::dialect::recorded::{self, Entry, Recordings};
use crate::dialect::{ResponseHead, TokenCountCodec};

fn recordings() -> Option<Recordings> {
    recorded::recordings(&["anthropic"], "messages", 100)
}

/// Drops members that are `null`, and whether a one is written `1` or `1.0`.
fn normal(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(normal);
        }
        Value::Array(values) => values.iter_mut().for_each(normal),
        Value::Number(number) if number.as_f64() == Some(1.0) => *value = 1.into(),
        _ => {}
    }
}

fn normalised(bytes: &[u8]) -> Value {
    let mut value = serde_json::from_slice(bytes).unwrap();
    normal(&mut value);
    value
}

fn each(recorded: &Recordings, is_stream: bool) -> impl Iterator<Item = &Entry> {
    let is_asked = move |entry: &&Entry| entry.stream == is_stream && entry.status == 200;
    recorded.entries.iter().filter(is_asked)
}

#[test]
fn recorded_requests_mean_the_same_when_written_again() {
    let mut count = 0;
    for endpoint in ["messages", "count_tokens"] {
        let Some(recorded) = recorded::recordings(&["anthropic"], endpoint, 1) else {
            return;
        };
        for entry in &recorded.entries {
            let Some(file) = &entry.request else { continue };
            let body = recorded.load(file);
            let request = CODEC.read_request(&body).expect(&entry.id);
            let written = CODEC
                .write_request(&request, &TargetModel::new(&request.model))
                .expect(&entry.id)
                .0;
            assert_eq!(normalised(&written), normalised(&body), "{}", entry.id);
            let again = CODEC.read_request(&written).unwrap();
            assert_eq!(again, request, "{}", entry.id);
            count += 1;
        }
    }
    assert!(count > 100, "only {count} requests");
}

#[test]
fn recorded_answers_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in each(&recorded, false) {
        let body = recorded.load(&entry.response);
        let response = CODEC.read_response(&body, &Carry::default());
        let response = response.expect(&entry.id);
        let written = CODEC.write_response(&response).unwrap();
        let (mut ours, mut theirs) = (normalised(&written), normalised(&body));
        for message in [&mut ours, &mut theirs] {
            // Texts without a word say nothing.
            let content = message["content"].as_array_mut().unwrap();
            content.retain(|block| block["text"] != "");
        }
        assert_eq!(ours, theirs, "{}", entry.id);
        count += 1;
    }
    assert!(count > 100, "only {count} answers");
}

#[test]
fn recorded_refusals_keep_their_words() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in recorded.entries.iter().filter(|entry| entry.status >= 400) {
        let body = recorded.load(&entry.response);
        let status = http::StatusCode::from_u16(entry.status).unwrap();
        let error = CODEC.read_error(status, &http::HeaderMap::new(), &body);
        let said: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(error.status(), status);
        assert_eq!(error.message(), said["error"]["message"]);
        assert_eq!(error.error_type(), said["error"]["type"]);
    }
}

#[test]
fn recorded_streams_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in each(&recorded, true) {
        let body = recorded.load(&entry.response);
        let events = decode(&body).expect(&entry.id);
        let written = encode(&events);
        assert_eq!(decode(written.as_bytes()).unwrap(), events, "{}", entry.id);
        let (mut ours, mut theirs) = (assembled(written.as_bytes()), assembled(&body));
        for message in [&mut ours, &mut theirs] {
            normal(message);
            let content = message["content"].as_array_mut().unwrap();
            content.retain(|block| block["text"] != "" || block.get("citations").is_some());
        }
        assert_eq!(ours, theirs, "{}", entry.id);
        count += 1;
    }
    assert!(count > 20, "only {count} streams");
}

#[test]
fn recorded_streams_give_the_same_events_for_any_split() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in each(&recorded, true) {
        let body = recorded.load(&entry.response);
        let whole = decode(&body).unwrap();
        for size in [1, 2, 3, 7, 61, 1000] {
            let split = decode_with(&CODEC, &body, size).unwrap();
            assert_eq!(split, whole, "{} by {size}", entry.id);
        }
    }
}

#[test]
fn recorded_streams_come_back_from_openais_chunks() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in each(&recorded, true) {
        let body = recorded.load(&entry.response);
        let events = decode(&body).unwrap();
        let options = EncodeOptions::default().with_usage(true);
        let chunks = encode_with(&CHAT, &events, options);
        let seen = decode_with(&CHAT, chunks.as_bytes(), usize::MAX).expect(&entry.id);
        let back = decode(encode(&seen).as_bytes()).expect(&entry.id);
        let said = |events: Vec<ChatEvent>| {
            let mut answer = Assembler::new();
            events.into_iter().for_each(|event| answer.push(event));
            let answer = answer.into_response();
            let message = &answer.choices[0].message;
            let calls: Vec<_> = message.tool_calls().cloned().collect();
            let signatures: Vec<_> = message
                .parts
                .iter()
                .filter(|part| matches!(part.kind, PartKind::Reasoning(_)))
                .filter_map(|part| part.signature.clone())
                .collect();
            // A chat tells the reason of a refusal as a text of its own.
            let text = message
                .refusal()
                .map_or_else(|| message.text().into_owned(), str::to_owned);
            let thoughts = message.reasoning().into_owned();
            (text, thoughts, calls, signatures, answer.usage())
        };
        assert_eq!(said(back), said(events), "{}", entry.id);
    }
}

#[test]
fn looking_at_recorded_events_finds_what_reading_them_does() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in each(&recorded, true) {
        let body = recorded.load(&entry.response);
        let events = decode(&body).unwrap();
        let mut heads = Vec::new();
        for event in data(&body) {
            let head = CODEC.scan_event(event.to_string().as_bytes()).unwrap();
            let is_done = head.is_done;
            heads.push(head);
            if is_done {
                break;
            }
        }
        assert!(heads.last().unwrap().is_done, "{}", entry.id);
        assert_eq!(heads.iter().filter(|head| head.is_finish).count(), 1);
        let seen = heads.iter().filter_map(|head| head.usage);
        let seen = seen.reduce(|known, later| known.updated_by(&later));
        let read = events.iter().find_map(|event| match event {
            ChatEvent::Usage { usage, .. } => Some(*usage),
            _ => None,
        });
        assert_eq!(seen, read, "{}", entry.id);
        // The input of a tool of Anthropic's own counts too, which no event of the model tells, and
        // the reason of a refusal does not: nobody generated it.
        let is_said = |event: &ChatEvent| {
            event.is_content() && !matches!(event, ChatEvent::RefusalDelta { .. })
        };
        if events.iter().any(is_said) {
            assert!(
                heads.iter().any(|head| head.content_bytes > 0),
                "{}",
                entry.id
            );
        }
    }
    for entry in each(&recorded, false) {
        let body = recorded.load(&entry.response);
        let head: ResponseHead = CODEC.scan_response(&body).expect(&entry.id);
        let response = CODEC.read_response(&body, &Carry::default()).unwrap();
        assert_eq!(head.usage, response.usage, "{}", entry.id);
        assert_eq!(head.finish.as_ref(), response.finish(), "{}", entry.id);
        let model: String = serde_json::from_slice(&body[head.model.unwrap()]).unwrap();
        assert_eq!(model, response.model, "{}", entry.id);
    }
}

#[test]
fn recorded_answers_are_written_as_chats() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in each(&recorded, false) {
        let body = recorded.load(&entry.response);
        let response = CODEC.read_response(&body, &Carry::default()).unwrap();
        let chat = CHAT.write_response(&response).expect(&entry.id);
        let back = CHAT
            .read_response(&chat, &Carry::default())
            .expect(&entry.id);
        assert_eq!(back.text(), response.text(), "{}", entry.id);
        assert_eq!(back.usage, response.usage, "{}", entry.id);
        let calls = |response: &ChatResponse| -> Vec<_> {
            response.message().unwrap().tool_calls().cloned().collect()
        };
        assert_eq!(calls(&back), calls(&response), "{}", entry.id);
    }
}

#[test]
fn recorded_counts_are_read() {
    let Some(recorded) = recorded::recordings(&["anthropic"], "count_tokens", 1) else {
        return;
    };
    for entry in each(&recorded, false) {
        let body = recorded.load(&entry.response);
        let count = CountTokens.read_response(&body).expect(&entry.id);
        assert!(count > 0 && CountTokens.scan_response(&body).is_ok());
    }
}

#[test]
fn recorded_requests_are_said_in_the_other_format_or_refused_by_name() {
    let Some(own) = recordings() else { return };
    let vendors = ["openai", "deepseek", "openai-compatible"];
    let Some(chats) = recorded::recordings(&vendors, "chat_completions", 100) else {
        return;
    };
    let ways: [(&Recordings, &dyn ChatCodec, &dyn ChatCodec, &str); 2] = [
        (&own, &CODEC, &CHAT, "gpt"),
        (&chats, &CHAT, &CODEC, SONNET),
    ];
    for (recorded, from, to, model) in ways {
        let (mut said, mut refused) = (0, 0);
        for entry in &recorded.entries {
            let Some(file) = &entry.request else { continue };
            let request = from.read_request(&recorded.load(file)).expect(&entry.id);
            match to.write_request(&request, &TargetModel::new(model)) {
                Ok((body, _)) => {
                    to.read_request(&body).expect(&entry.id);
                    said += 1;
                }
                Err(error) => {
                    println!("{}: {error}", entry.id);
                    assert_eq!(error.code(), Some("unsupported_parameter"), "{}", entry.id);
                    assert!(error.param().is_some_and(|param| !param.is_empty()));
                    refused += 1;
                }
            }
        }
        println!("{model}: {said} said, {refused} refused");
        assert!(said > refused, "{model}: {said} said, {refused} refused");
    }
}
