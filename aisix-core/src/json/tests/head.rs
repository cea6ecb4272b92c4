use proptest::prelude::{prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{any_object, to_text};
use crate::error::Result;
use crate::json::{Field, Head, Presence};

fn scan(text: &str) -> Result<Head> {
    Head::scan(text.as_bytes())
}

/// The status and the parameter that the body is refused with.
fn refusal(text: &str) -> (u16, Option<String>) {
    let error = scan(text).unwrap_err();
    (error.status().as_u16(), error.param().map(str::to_owned))
}

fn text_of(value: &Value) -> usize {
    match value {
        // As it is written: escapes count with all their bytes.
        Value::String(_) => value.to_string().len() - 2,
        Value::Array(items) => items.iter().map(text_of).sum(),
        Value::Object(members) => members.values().map(text_of).sum(),
        _ => 0,
    }
}

proptest! {
    #[test]
    fn reads_the_same_from_any_surroundings(other in any_object(), pretty: bool, model: String) {
        let mut body = other;
        body["model"] = json!(model);
        body["stream"] = json!(true);
        body["max_tokens"] = json!(7);
        body["messages"] = json!([1]);
        let text = to_text(&body, pretty);
        let head = scan(&text).unwrap();
        prop_assert_eq!(head.model(), Some(&*model));
        prop_assert_eq!(&text[head.model_span().unwrap()], json!(model).to_string());
        prop_assert_eq!((head.stream(), head.max_tokens()), (true, Some(7)));
        prop_assert_eq!(head.has_items(Field::Messages), Presence::Present);
        prop_assert_eq!(head.text_bytes(), text_of(&body));
    }
}

#[test]
fn reads_a_chat_request() {
    let text = r#" { "stream_options" : {"include_usage": false, "x": 1},
        "mod\u0065l":"gpt\u002d4o","stream":null,"max_tokens":1,"max_completion_tokens":2,
        "input":[ ],"prompt":"","contents":null,"unknown":[{"model":"other"}]}"#;
    let head = scan(text).unwrap();
    assert_eq!(head.model(), Some("gpt-4o"));
    assert_eq!(&text[head.model_span().unwrap()], r#""gpt\u002d4o""#);
    assert!(!head.stream());
    assert_eq!(head.max_tokens(), Some(2));
    assert_eq!(head.include_usage(), Some(false));
    assert_eq!(
        &text[head.stream_options_span().unwrap()],
        r#"{"include_usage": false, "x": 1}"#
    );
    assert_eq!(head.has_items(Field::Input), Presence::Empty);
    assert_eq!(head.has_items(Field::Prompt), Presence::Empty);
    assert_eq!(head.has_items(Field::Contents), Presence::Missing);
    assert_eq!(head.has_items(Field::Messages), Presence::Missing);
    assert_eq!((head.insert_at(), head.is_empty_object()), (2, false));
    assert!(scan(" { } ").unwrap().is_empty_object());
}

#[test]
fn refuses_what_is_no_object() {
    for text in ["", "[]", "\"model\"", "null", "{", "{}{}", "\u{feff}{}"] {
        assert_eq!(refusal(text), (400, None), "{text}");
    }
    assert_eq!(Head::scan(b"{\"a\":\"\xff\"}").unwrap_err().status(), 400);
    assert_eq!(refusal(r#"{"messages":"\ud800"}"#), (400, None));
}

#[test]
fn refuses_a_member_that_comes_twice_under_any_spelling() {
    for (text, param) in [
        (r#"{"model":"a","model":"b"}"#, "model"),
        (r#"{"model":"a","\u006dodel":"a"}"#, "model"),
        (r#"{"stream":true,"stream":true}"#, "stream"),
        (r#"{"max_tokens":1,"max_tokens":null}"#, "max_tokens"),
        (r#"{"messages":[],"x":1,"messages":[1]}"#, "messages"),
        (
            r#"{"stream_options":{"include_usage":true,"include_usage":false}}"#,
            "stream_options.include_usage",
        ),
    ] {
        assert_eq!(refusal(text), (400, Some(param.into())), "{text}");
    }
    assert!(scan(r#"{"other":1,"other":2}"#).is_ok());
}

#[test]
fn refuses_a_member_of_the_wrong_type() {
    for (text, param) in [
        (r#"{"model":null}"#, "model"),
        (r#"{"model":["a"]}"#, "model"),
        (r#"{"stream":"true"}"#, "stream"),
        (r#"{"stream":1}"#, "stream"),
        (r#"{"stream_options":true}"#, "stream_options"),
        (
            r#"{"stream_options":{"include_usage":1}}"#,
            "stream_options.include_usage",
        ),
        (r#"{"max_tokens":"9"}"#, "max_tokens"),
        (r#"{"max_output_tokens":1.5}"#, "max_output_tokens"),
        (r#"{"max_completion_tokens":[]}"#, "max_completion_tokens"),
    ] {
        assert_eq!(refusal(text), (400, Some(param.into())), "{text}");
    }
}

#[test]
fn reads_a_limit_in_any_notation() {
    for (limit, read) in [
        ("16", Some(16)),
        ("1e3", Some(1_000)),
        ("16.0", Some(16)),
        ("-1", None),
        ("null", None),
        ("0", Some(0)),
        ("1e300", Some(u64::MAX)),
        ("1e999", Some(u64::MAX)),
        ("99999999999999999999", Some(u64::MAX)),
    ] {
        let head = scan(&format!(r#"{{"max_output_tokens":{limit}}}"#)).unwrap();
        assert_eq!(head.max_tokens(), read, "{limit}");
    }
    let head = scan(r#"{"max_completion_tokens":null,"max_tokens":5}"#).unwrap();
    assert_eq!(head.max_tokens(), Some(5));
}

#[test]
fn counts_text_and_not_the_data_of_images() {
    let image = "A".repeat(10_000);
    let text = format!(
        r#"{{"messages":[{{"content":[{{"text":"data: {}"}},{{"url":"data:image/png;base64,{image}"}},
        {{"source":{{"type":"base64","data":"{image}"}}}}]}}],"data":"{}"}}"#,
        "word ".repeat(100),
        "word ".repeat(100),
    );
    let head = scan(&text).unwrap();
    assert_eq!(
        head.text_bytes(),
        "data: ".len() + 500 + "base64".len() + 500
    );
}
