use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::{CallContext, Caller, Operation, RequestId, TargetName};
use crate::snapshot::Snapshot;
use crate::testing::TestCall;

fn context() -> CallContext {
    CallContext::new(Arc::new(Snapshot::empty()))
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn makes_an_id_in_the_form_of_a_random_uuid() {
    let id = RequestId::random();
    let parts: Vec<&str> = id.as_str().split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    assert!(parts[2].starts_with('4'), "{id}");
    assert!(parts[3].starts_with(['8', '9', 'a', 'b']), "{id}");
    assert_ne!(id, RequestId::random());
}

#[test]
fn takes_the_callers_id_where_it_may_stand_in_a_log() {
    let ours = headers(&[("x-request-id", "theirs"), (RequestId::HEADER, "ours")]);
    assert_eq!(context().with_headers(ours).request_id().as_str(), "ours");

    let invalid = headers(&[("x-request-id", "theirs"), (RequestId::HEADER, "a b")]);
    assert_eq!(
        context().with_headers(invalid).request_id().as_str(),
        "theirs"
    );

    for text in ["", "a\"b", "a,b", &"a".repeat(129)] {
        let value = HeaderValue::from_str(text).unwrap();
        assert_eq!(RequestId::from_caller(&value), None, "{text}");
    }
}

#[test]
fn knows_the_first_caller_and_the_last_target() {
    let context = context().with_caller(Caller::service("first"));
    assert!(!context.identify(Caller::service("second")));
    assert_eq!(context.caller().map(Caller::id), Some("first"));

    assert_eq!(context.target(), None);
    for model in ["gpt-4o", "gpt-4o-mini"] {
        context.note_target(Arc::new(TargetName::new("openai", model)));
    }
    let target = context.target().unwrap();
    assert_eq!(
        (target.provider(), target.model()),
        ("openai", "gpt-4o-mini")
    );
}

#[test]
fn shows_no_header() {
    let context = context().with_headers(headers(&[("authorization", "Bearer sk-hidden")]));
    assert!(!format!("{context:?}").contains("hidden"));
}

#[test]
fn a_call_without_a_conversation_has_none() {
    let list = TestCall::new(Operation::ListModels, json!({})).build();
    assert!(list.conversation().unwrap().is_none());
    let chat = TestCall::chat("m").build();
    assert_eq!(chat.conversation().unwrap().unwrap().messages.len(), 1);
}

#[test]
fn a_changed_conversation_is_written_anew() {
    let mut call = TestCall::chat("m").build();
    let before = call.payload().bytes().clone();
    call.edit_conversation(|chat| chat.messages[0].parts.clear())
        .unwrap();
    assert_ne!(call.payload().bytes(), &before);
    assert_eq!(call.model(), "m");
}
