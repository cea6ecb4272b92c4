use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{any_object, to_text};
use crate::json::{Edit, Head, Segments, splice};

fn edited(text: &str, edits: &mut [Edit]) -> Value {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    serde_json::from_slice(&splice(&bytes, edits).into_bytes()).unwrap()
}

/// Asks for the usage and says what is sent then.
fn with_usage(text: &str) -> Value {
    let head = Head::scan(text.as_bytes()).unwrap();
    edited(text, head.edit_include_usage().as_mut_slice())
}

proptest! {
    #[test]
    fn replaces_the_model_and_asks_for_usage_in_any_body(
        body in any_object(),
        pretty: bool,
        had_model: bool,
        model: String,
    ) {
        let mut body = body;
        body["other"] = json!("stays");
        if had_model {
            body["model"] = json!("before");
        }
        let text = to_text(&body, pretty);
        let head = Head::scan(text.as_bytes()).unwrap();
        let mut edits = vec![head.edit_model(&model)];
        edits.extend(head.edit_include_usage());
        let sent = edited(&text, &mut edits);
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        expected["model"] = json!(model);
        expected["stream_options"] = json!({"include_usage": true});
        prop_assert_eq!(sent, expected);
    }

    #[test]
    fn splices_like_a_vector(
        text in vec(any::<u8>(), 0..9_000),
        cuts in vec(any::<Index>(), 0..8),
        with in vec(any::<u8>(), 0..40),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let spans: Vec<_> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
        let mut expected = text.clone();
        for span in spans.iter().rev() {
            expected.splice(span.clone(), with.iter().copied());
        }
        let mut edits: Vec<_> = spans.iter().map(|span| Edit::new(span.clone(), with.clone())).collect();
        // Order matters only among insertions at one place, which all insert the same here.
        edits.reverse();
        let result = splice(&Bytes::from(text), &mut edits);
        prop_assert_eq!(result.len(), expected.len());
        prop_assert_eq!(result.is_empty(), expected.is_empty());
        prop_assert!(result.iter().all(|piece| !piece.is_empty()));
        prop_assert_eq!(result.into_bytes(), expected);
    }
}

#[test]
fn asks_for_usage_and_keeps_the_other_options() {
    let on = json!({"include_usage": true});
    assert_eq!(with_usage("{ }"), json!({"stream_options": on}));
    assert_eq!(
        with_usage(r#"{"stream_options":null}"#),
        json!({"stream_options": on})
    );
    assert_eq!(
        with_usage(r#"{"stream_options":{ }}"#),
        json!({"stream_options": on})
    );
    assert_eq!(
        with_usage(r#"{"stream_options":{"include_usage" : null}}"#),
        json!({"stream_options": on})
    );
    assert_eq!(
        with_usage(r#"{"stream_options":{"include_obfuscation":false}}"#),
        json!({"stream_options": {"include_usage": true, "include_obfuscation": false}})
    );
    let head = Head::scan(br#"{"stream_options":{"include_usage":true}}"#).unwrap();
    assert_eq!(head.edit_include_usage(), None);
}

#[test]
fn writes_a_model_name_as_a_json_string() {
    let head = Head::scan(b"{}").unwrap();
    let sent = edited("{}", &mut [head.edit_model("a\"b\\c\u{1}")]);
    assert_eq!(sent, json!({"model": "a\"b\\c\u{1}"}));
}

#[test]
fn shares_the_memory_of_a_large_body() {
    let body = Bytes::from(format!(
        r#"{{"model":"a","input":"{}"}}"#,
        "x".repeat(8_000)
    ));
    let head = Head::scan(&body).unwrap();
    let result = splice(&body, &mut [head.edit_model("b")]);
    let pieces: Vec<_> = result.iter().collect();
    assert_eq!(pieces.len(), 3);
    assert_eq!(pieces[0].as_ptr(), body.as_ptr());
    assert_eq!(pieces[2].as_ptr_range().end, body.as_ptr_range().end);

    let untouched = splice(&body, &mut []).into_bytes();
    assert_eq!(untouched.as_ptr(), body.as_ptr());
}

#[test]
#[should_panic(expected = "edits must not overlap")]
fn refuses_overlapping_edits() {
    let edits = &mut [Edit::new(0..2, "a"), Edit::new(1..3, "b")];
    drop(splice(&Bytes::from_static(b"1234"), edits));
}

#[tokio::test]
async fn is_a_body_of_exact_length() {
    let mut body = Segments::from(vec![Bytes::from("ab"), Bytes::new(), Bytes::from("c")]);
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(3), false)
    );
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(
        (first, body.size_hint().exact()),
        (Bytes::from("ab"), Some(1))
    );
    assert_eq!(body.clone().collect().await.unwrap().to_bytes(), "c");
    assert_eq!(body.into_bytes(), "c");

    let empty = Segments::default();
    assert!(empty.is_end_stream() && empty.is_empty());
    assert!(empty.collect().await.unwrap().to_bytes().is_empty());
}
