//! Recorded traffic: what is read and written again means the same.

use super::*;
use crate::dialect::openai::OPENAI_VENDORS;
use crate::dialect::recorded::{self, Recordings};

fn recordings() -> Option<Recordings> {
    recorded::recordings(OPENAI_VENDORS, "chat_completions", 100)
}

/// Drops what says nothing: `null` members other than a content, counts of zero in details, and
/// whether a one is written `1` or `1.0`.
fn normal(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, value| !value.is_null() || name == "content");
            for (name, value) in map.iter_mut() {
                normal(value);
                if name.ends_with("_tokens_details")
                    && let Some(details) = value.as_object_mut()
                {
                    details.retain(|_, count| *count != 0);
                }
            }
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
        assert_eq!(normalised(&written), normalised(&body), "{}", entry.id);
        assert_eq!(
            CODEC.read_request(&written).unwrap(),
            request,
            "{}",
            entry.id
        );
        count += 1;
    }
    assert!(count > 90, "only {count} requests");
}

#[test]
fn recorded_answers_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in recorded
        .entries
        .iter()
        .filter(|entry| !entry.stream && entry.status == 200)
    {
        let body = recorded.load(&entry.response);
        let response = CODEC
            .read_response(&body, &Carry::default())
            .expect(&entry.id);
        let written = CODEC.write_response(&response).unwrap();
        let mut expected = normalised(&body);
        // xAI counts reasoning beside the completion; it is written as OpenAI counts it.
        if response.usage().output_tokens != expected["usage"]["completion_tokens"] {
            assert!(entry.id.contains("xai"), "{}", entry.id);
            expected["usage"]["completion_tokens"] = response.usage().output_tokens.into();
        }
        assert_eq!(normalised(&written), expected, "{}", entry.id);
        let again = CODEC.read_response(&written, &Carry::default()).unwrap();
        assert_eq!(again.choices, response.choices, "{}", entry.id);
        assert_eq!(again.usage, response.usage, "{}", entry.id);
        count += 1;
    }
    assert!(count > 70, "only {count} answers");
}

#[test]
fn recorded_refusals_keep_their_words() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in recorded.entries.iter().filter(|entry| entry.status >= 400) {
        let body = recorded.load(&entry.response);
        let status = http::StatusCode::from_u16(entry.status).unwrap();
        let error =
            crate::dialect::Dialect::read_error(&CODEC, status, &http::HeaderMap::new(), &body);
        let said: Value = serde_json::from_slice(&body).unwrap();
        let said = &said["error"];
        assert_eq!(error.status(), status);
        assert_eq!(error.message(), said["message"], "{}", entry.id);
        assert_eq!(error.error_type(), said["type"], "{}", entry.id);
        assert_eq!(error.code(), said["code"].as_str(), "{}", entry.id);
        assert_eq!(error.param(), said["param"].as_str(), "{}", entry.id);
    }
}

#[test]
fn recorded_streams_mean_the_same_when_written_again() {
    let Some(recorded) = recordings() else {
        return;
    };
    let mut count = 0;
    for entry in recorded
        .entries
        .iter()
        .filter(|entry| entry.stream && entry.status == 200)
    {
        let body = recorded.load(&entry.response);
        let events = decode(&body, usize::MAX).expect(&entry.id);
        let options = EncodeOptions::default().with_usage(true);
        let written = encode(&events, options);
        assert_eq!(
            decode(written.as_bytes(), usize::MAX).unwrap(),
            events,
            "{}",
            entry.id
        );
        let chunks = chunks(&written);
        assert_eq!(
            chunks[0]["choices"][0]["delta"]["role"], "assistant",
            "{}",
            entry.id
        );
        let finishes = chunks
            .iter()
            .filter(|chunk| !chunk["choices"][0]["finish_reason"].is_null());
        assert_eq!(finishes.count(), 1, "{}", entry.id);
        count += 1;
    }
    assert!(count > 30, "only {count} streams");
}

#[test]
fn recorded_streams_give_the_same_events_for_any_split() {
    let Some(recorded) = recordings() else {
        return;
    };
    for entry in recorded
        .entries
        .iter()
        .filter(|entry| entry.stream && entry.status == 200)
    {
        let body = recorded.load(&entry.response);
        let whole = decode(&body, usize::MAX).unwrap();
        for size in [1, 2, 3, 7, 61, 1000] {
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
    let look = |data: &[u8]| crate::dialect::Dialect::scan_event(&CODEC, data).unwrap();
    for entry in recorded
        .entries
        .iter()
        .filter(|entry| entry.stream && entry.status == 200)
    {
        let body = recorded.load(&entry.response);
        let events = decode(&body, usize::MAX).unwrap();
        let heads: Vec<_> = str::from_utf8(&body)
            .unwrap()
            .split("\n\n")
            .filter_map(|frame| frame.strip_prefix("data: "))
            .map(|data| look(data.trim_end().as_bytes()))
            .collect();
        assert!(
            heads.iter().filter(|head| head.is_done).count() == 1,
            "{}",
            entry.id
        );
        assert!(heads.iter().any(|head| head.is_finish), "{}", entry.id);
        let seen = heads.iter().rev().find_map(|head| head.usage);
        let read = events.iter().find_map(|event| match event {
            ChatEvent::Usage { usage, .. } => Some(*usage),
            _ => None,
        });
        assert_eq!(seen, read, "{}", entry.id);
        assert_eq!(
            heads.iter().any(|head| head.content_bytes > 0),
            events.iter().any(ChatEvent::is_content),
            "{}",
            entry.id
        );
    }
    for entry in recorded
        .entries
        .iter()
        .filter(|entry| !entry.stream && entry.status == 200)
    {
        let body = recorded.load(&entry.response);
        let head = crate::dialect::Dialect::scan_response(&CODEC, &body).unwrap();
        let response = CODEC.read_response(&body, &Carry::default()).unwrap();
        assert_eq!(head.usage, response.usage, "{}", entry.id);
        assert_eq!(head.finish.as_ref(), response.finish(), "{}", entry.id);
        let model: String = serde_json::from_slice(&body[head.model.unwrap()]).unwrap();
        assert_eq!(model, response.model, "{}", entry.id);
    }
}
