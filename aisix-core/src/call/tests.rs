use serde_json::json;

use super::*;
use crate::testing::TestCall;

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

#[test]
fn request_ids_are_uuids_or_the_callers_own() {
    let random = RequestId::random();
    assert_eq!(random.as_str().len(), 36);
    assert_eq!(random.as_str().as_bytes()[14], b'4');
    assert_ne!(random, RequestId::random());
    let from = |value| RequestId::from_caller(&http::HeaderValue::from_static(value));
    assert_eq!(from("abc-1").unwrap().as_str(), "abc-1");
    assert!(from("").is_none() && from("a b").is_none() && from("a\"b").is_none());
}
