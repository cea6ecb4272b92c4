use aisix_core::call::{Call, Operation};
use aisix_core::error::{Error, ErrorKind};
use aisix_core::hook::Check;
use aisix_core::reply::Reply;
use aisix_core::resource::{KeyHash, Kind};
use aisix_core::testing::{self, TestCall};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

const SECRET: &str = "sk-a-very-secret-key";

fn key(extra: Value) -> Value {
    let mut key = json!({"key_hash": KeyHash::of(SECRET).to_string(), "allowed_models": ["*"]});
    if let (Value::Object(key), Value::Object(extra)) = (&mut key, extra) {
        key.extend(extra);
    }
    key
}

fn call() -> TestCall {
    TestCall::chat("m")
        .row(Kind::ApiKeys, "mine", key(json!({})))
        .row(
            Kind::ApiKeys,
            "other",
            json!({"key_hash": KeyHash::of("sk-other").to_string(), "allowed_models": []}),
        )
}

fn check(call: &Call) -> Result<(), Error> {
    Auth.check(call)
}

fn caller(call: TestCall) -> Option<String> {
    let call = call.build();
    check(&call).ok()?;
    call.caller().map(|caller| caller.id().to_owned())
}

fn code(call: TestCall) -> String {
    let error = check(&call.build()).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16(), error.error_type()),
        (ErrorKind::InvalidApiKey, 401, "invalid_api_key")
    );
    assert!(!error.is_retryable());
    error.code().unwrap_or_default().to_owned()
}

#[test]
fn knows_a_caller_by_the_key() {
    for header in [
        "Bearer sk-a-very-secret-key",
        "bearer sk-a-very-secret-key",
        "BEARER sk-a-very-secret-key",
        "BeArEr   sk-a-very-secret-key ",
    ] {
        let found = caller(call().header("authorization", header));
        assert_eq!(found.as_deref(), Some("mine"), "{header}");
    }
    let found = caller(call().header("x-api-key", SECRET));
    assert_eq!(found.as_deref(), Some("mine"));
}

#[test]
fn x_api_key_wins() {
    let both = call().header("authorization", "Bearer sk-a-very-secret-key");
    let found = caller(both.clone().header("x-api-key", "sk-other"));
    assert_eq!(found.as_deref(), Some("other"));
    // Not the other way round either: a wrong one is not made good by a right one.
    assert_eq!(
        code(both.clone().header("x-api-key", "sk-wrong")),
        "invalid_api_key"
    );
    assert_eq!(code(both.header("x-api-key", "")), "invalid_api_key");
}

#[test]
fn refuses_what_is_no_bearer_token() {
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer    ",
        "sk-a-very-secret-key",
        "Basic c2stYS12ZXJ5LXNlY3JldC1rZXk=",
        "Basic sk-a-very-secret-key",
        "Bearersk-a-very-secret-key",
        "Token sk-a-very-secret-key",
        "Bearer sk-a-very-secret-key, Bearer sk-other",
        "Bearer SK-A-VERY-SECRET-KEY",
        "Bearer sk-a-very-secret-ke",
        "Bearer \"sk-a-very-secret-key\"",
    ] {
        assert_eq!(
            code(call().header("authorization", header)),
            "invalid_api_key",
            "{header}"
        );
    }
    assert_eq!(code(call()), "invalid_api_key");
    assert_eq!(code(call().header("x-api-key", "  ")), "invalid_api_key");
    assert_eq!(
        code(call().header("x-api-key", "Bearer sk-other")),
        "invalid_api_key"
    );
}

#[test]
fn the_hash_of_a_key_is_no_key() {
    let hash: &'static str = KeyHash::of(SECRET).to_string().leak();
    assert_eq!(code(call().header("x-api-key", hash)), "invalid_api_key");
}

#[test]
fn refuses_a_key_that_is_disabled_or_has_expired() {
    let with = |extra| {
        TestCall::chat("m")
            .row(Kind::ApiKeys, "mine", key(extra))
            .header("x-api-key", SECRET)
    };
    assert_eq!(code(with(json!({"disabled": true}))), "api_key_disabled");
    assert_eq!(
        code(with(json!({"expires_at": "2020-01-01T00:00:00Z"}))),
        "api_key_expired"
    );
    // What was switched off by hand says so, also when it has expired since.
    let both = json!({"disabled": true, "expires_at": "2020-01-01T00:00:00Z"});
    assert_eq!(code(with(both)), "api_key_disabled");
    let later = with(json!({"expires_at": "9999-01-01T00:00:00Z", "disabled": false}));
    assert_eq!(caller(later).as_deref(), Some("mine"));
}

#[test]
fn takes_the_host_at_its_word() {
    assert_eq!(caller(call().service("cron")).as_deref(), Some("cron"));
    let with_key = call().service("cron").header("x-api-key", "sk-wrong");
    assert_eq!(caller(with_key).as_deref(), Some("cron"));
}

#[test]
fn what_is_nowhere_needs_no_key() {
    let call = TestCall::new(Operation::Unknown, json!({})).build();
    check(&call).unwrap();
    assert!(call.caller().is_none());
    for operation in Operation::ALL {
        let call = TestCall::new(operation, json!({})).build();
        check(&call).unwrap_err();
    }
}

#[test]
fn speaks_before_the_body_is_looked_at() {
    assert_eq!(code(call().bytes("{")), "invalid_api_key");
    let known = call().bytes("{").header("x-api-key", SECRET).build();
    check(&known).unwrap();
}

#[tokio::test]
async fn a_stranger_does_not_reach_the_inner_service() {
    let (hook, mut inner) = testing::mock(AuthLayer::new());
    let refused = hook.clone().oneshot(call().build()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidApiKey);
    inner.expect_no_call();

    let known = call().header("x-api-key", SECRET).build();
    let (reply, seen) = tokio::join!(hook.oneshot(known), inner.answer(Ok(Reply::text("hi"))));
    drop(reply.unwrap());
    assert_eq!(seen.caller().unwrap().id(), "mine");
}

#[test]
fn no_key_can_be_printed() {
    let hash = KeyHash::of(SECRET).to_string();
    let call = call()
        .header("authorization", "Bearer sk-a-very-secret-key")
        .header("x-api-key", SECRET)
        .build();
    check(&call).unwrap();
    let unknown = TestCall::chat("m").header("x-api-key", SECRET).build();
    let printed = [
        format!("{call:?} {:?} {:?}", call.context(), call.caller()),
        format!("{:?}", check(&unknown).unwrap_err()),
        check(&unknown).unwrap_err().to_string(),
    ];
    for text in printed {
        assert!(!text.contains(SECRET) && !text.contains(&hash), "{text}");
    }
}
