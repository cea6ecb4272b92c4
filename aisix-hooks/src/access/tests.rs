use aisix_core::call::{Caller, Operation};
use aisix_core::error::ErrorKind;
use aisix_core::reply::Reply;
use aisix_core::resource::{KeyHash, Kind};
use aisix_core::testing::{self, TestCall};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

fn model(name: &str) -> Value {
    json!({"display_name": name, "provider": "mock", "model_name": "demo"})
}

/// A call for `name` with a key that allows `allowed`.
fn call(name: &str, allowed: &[&str]) -> TestCall {
    as_key(TestCall::chat(name), allowed)
}

fn as_key(call: TestCall, allowed: &[&str]) -> TestCall {
    let key = json!({"key_hash": KeyHash::of("sk").to_string(), "allowed_models": allowed});
    let mut guarded = model("guarded");
    guarded["allowed_cidrs"] = json!(["10.0.0.0/8", "2001:db8::/32"]);
    let call = call
        .row(Kind::ApiKeys, "k", key)
        .row(Kind::Models, "fast", model("fast"))
        .row(Kind::Models, "acme", model("acme/*"))
        .row(Kind::Models, "large", model("acme/large"))
        .row(Kind::Models, "guarded", guarded);
    let entry = Arc::clone(call.snapshot().api_key(&KeyHash::of("sk")).unwrap());
    call.caller(Caller::key(entry))
}

/// The name in the configuration of the model that was found.
fn found(call: TestCall) -> String {
    let call = call.build();
    Access.check(&call).unwrap();
    call.model_entry().unwrap().name().to_owned()
}

fn refused(call: TestCall) -> ErrorKind {
    let call = call.build();
    let error = Access.check(&call).unwrap_err();
    assert!(call.model_entry().is_none());
    error.kind()
}

#[test]
fn a_key_may_use_what_its_list_names() {
    assert_eq!(found(call("fast", &["fast"])), "fast");
    assert_eq!(found(call("fast", &["*"])), "fast");
    assert_eq!(found(call("acme/large", &["acme/*"])), "acme/large");
    assert_eq!(
        refused(call("fast", &["fas", "faster", "acme/*"])),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        refused(call("Fast", &["fast"])),
        ErrorKind::PermissionDenied
    );
}

#[test]
fn an_empty_list_allows_nothing() {
    assert_eq!(refused(call("fast", &[])), ErrorKind::PermissionDenied);
}

#[test]
fn a_wildcard_stands_for_the_models_that_nobody_lists() {
    assert_eq!(found(call("acme/small", &["acme/*"])), "acme/*");
    assert_eq!(found(call("acme/small", &["acme/small"])), "acme/*");
    assert_eq!(found(call("acme/small", &["*"])), "acme/*");
    // A wildcard covers at least one character.
    assert_eq!(refused(call("acme/", &["*"])), ErrorKind::ModelNotFound);
    assert_eq!(
        refused(call("acme", &["acme/*"])),
        ErrorKind::PermissionDenied
    );
}

#[test]
fn names_cannot_be_probed() {
    let errors = ["fast", "nowhere"].map(|name| {
        let call = call(name, &["acme/*"]).build();
        let error = Access.check(&call).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.code()),
            (403, Some("model_access_forbidden"))
        );
        assert_eq!(error.param(), Some("model"));
        error.message().replace(name, "")
    });
    assert_eq!(errors[0], errors[1]);
}

#[test]
fn a_model_that_is_allowed_and_not_there_is_unknown() {
    let call = call("nowhere", &["nowhere"]).build();
    let error = Access.check(&call).unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.code()),
        (404, Some("model_not_found"))
    );
    assert_eq!(error.param(), Some("model"));
}

#[test]
fn a_model_is_used_from_where_it_may_be() {
    let guarded = || call("guarded", &["*"]);
    for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
        assert_eq!(found(guarded().peer(inside)), "guarded");
    }
    assert_eq!(
        refused(guarded().peer("192.0.2.1")),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        refused(guarded()),
        ErrorKind::PermissionDenied,
        "an address that nobody knows"
    );
}

#[test]
fn code_of_the_host_comes_from_no_address() {
    let guarded = || call("guarded", &["*"]).service("cron");
    assert_eq!(found(guarded()), "guarded");
    // A request that the host vouches for still comes from somewhere.
    assert_eq!(
        refused(guarded().peer("192.0.2.1")),
        ErrorKind::PermissionDenied
    );
}

#[test]
fn code_of_the_host_may_use_every_model() {
    assert_eq!(found(call("fast", &[]).service("cron")), "fast");
    assert_eq!(
        refused(call("nowhere", &[]).service("cron")),
        ErrorKind::ModelNotFound
    );
}

#[test]
fn a_malformed_body_is_told_to_those_who_may_call() {
    for (body, param) in [
        ("{", None),
        ("{}", Some("model")),
        (r#"{"model":"fast"}"#, Some("messages")),
        (r#"{"model":7,"messages":[{}]}"#, Some("model")),
    ] {
        let call = call("fast", &[]).bytes(body).build();
        let error = Access.check(&call).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.param()),
            (400, param),
            "{body}"
        );
    }
}

#[test]
fn nobody_may_use_a_model_before_it_is_known_who_calls() {
    let call = TestCall::chat("fast")
        .row(Kind::Models, "fast", model("fast"))
        .build();
    let error = Access.check(&call).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidApiKey);
}

#[test]
fn what_asks_no_model_passes() {
    for operation in [
        Operation::ListModels,
        Operation::RetrieveModel,
        Operation::Unknown,
    ] {
        let call = as_key(TestCall::new(operation, json!({})), &[]).build();
        Access.check(&call).unwrap();
        assert!(call.model_entry().is_none());
    }
}

#[test]
fn embeddings_are_asked_of_a_model() {
    let embed = |name: &str, allowed: &[&str]| {
        let body = json!({"model": name, "input": "hi"});
        as_key(TestCall::new(Operation::Embeddings, body), allowed)
    };
    assert_eq!(found(embed("fast", &["fast"])), "fast");
    assert_eq!(
        refused(embed("fast", &["other"])),
        ErrorKind::PermissionDenied
    );
}

#[tokio::test]
async fn hands_on_what_it_has_found() {
    let (hook, mut inner) = testing::mock(AccessLayer::new());
    let refused = hook.clone().oneshot(call("fast", &[]).build()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
    inner.expect_no_call();

    let call = call("acme/small", &["*"]).build();
    let (reply, seen) = tokio::join!(hook.oneshot(call), inner.answer(Ok(Reply::text("hi"))));
    drop(reply.unwrap());
    assert_eq!(seen.model_entry().unwrap().name(), "acme/*");
}
