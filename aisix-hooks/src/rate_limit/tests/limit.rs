use std::time::Duration;

use aisix_core::error::RetryAdvice;
use aisix_core::testing;
use tower_service::Service;

use super::*;

const WINDOWS: [(&str, u64); 4] = [
    ("rps", 1_000),
    ("rpm", 60_000),
    ("rph", 3_600_000),
    ("rpd", 86_400_000),
];

/// A limit of the key, and the same one of the model.
fn of_either(limit: &Value) -> [Fixture; 2] {
    [Fixture::new(limit, &none()), Fixture::new(&none(), limit)]
}

#[tokio::test]
async fn admits_as_many_requests_as_each_window_allows() {
    for (name, window) in WINDOWS {
        for (fixture, of) in of_either(&json!({name: 3}))
            .into_iter()
            .zip(["API key", "model"])
        {
            for _ in 0..2 {
                for _ in 0..3 {
                    fixture.spend(0).await.unwrap();
                }
                let error = fixture.ask().await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::RateLimited, "{name} of {of}");
                assert_eq!(error.code(), Some("rate_limit_exceeded"));
                assert!(error.message().contains(of), "{error}");
                let rest = Duration::from_millis(window - 250);
                assert_eq!(error.retry(), RetryAdvice::After(rest), "{name} of {of}");
                fixture.advance(window - 251);
                assert_eq!(kind(fixture.ask().await), Some(ErrorKind::RateLimited));
                fixture.advance(251);
            }
        }
    }
}

#[tokio::test]
async fn admits_as_many_calls_at_once_as_it_may() {
    for fixture in of_either(&json!({"concurrency": 2})) {
        let first = fixture.ask().await.unwrap();
        let _second = fixture.ask().await.unwrap();
        let error = fixture.ask().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConcurrencyLimited);
        assert_eq!(
            (error.status().as_u16(), error.code()),
            (429, Some("concurrency_limit_exceeded"))
        );
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
        first.finish().await.unwrap();
        fixture.spend(0).await.unwrap();
    }
}

#[tokio::test]
async fn admits_calls_until_the_tokens_are_spent() {
    for (name, window) in [("tpm", 60_000), ("tpd", 86_400_000)] {
        for fixture in of_either(&json!({name: 10})) {
            fixture.spend(7).await.unwrap();
            // What the next one costs is not known before its end.
            fixture.spend(7).await.unwrap();
            let error = fixture.spend(7).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited);
            assert!(error.message().contains("10 tokens per "), "{error}");
            assert_eq!(
                error.retry_after(),
                Some(Duration::from_millis(window - 250))
            );
            fixture.advance(window - 250);
            fixture.spend(7).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_limit_of_zero_admits_nobody() {
    for name in ["rps", "rpd", "tpm", "concurrency"] {
        for fixture in of_either(&json!({name: 0})) {
            let error = fixture.ask().await.unwrap_err();
            assert_eq!(error.status(), 429, "{name}");
            assert!(error.retry_after().is_some_and(|delay| !delay.is_zero()));
        }
    }
}

#[tokio::test]
async fn all_limits_must_hold() {
    let fixture = Fixture::new(&json!({"rps": 2, "rpm": 3}), &json!({"rph": 4}));
    let mut admitted = 0;
    for _ in 0..3 {
        while fixture.ask().await.is_ok() {
            admitted += 1;
        }
        fixture.advance(1_000);
    }
    assert_eq!(admitted, 3, "two a second, three a minute");
    fixture.advance(60_000);
    while fixture.ask().await.is_ok() {
        admitted += 1;
    }
    assert_eq!(admitted, 4, "four an hour");
}

#[tokio::test]
async fn a_refusal_gives_back_what_the_same_key_had_counted() {
    let fixture = Fixture::new(
        &json!({"rps": 9, "rpm": 9, "rpd": 1, "concurrency": 9}),
        &none(),
    );
    fixture.spend(1).await.unwrap();
    for _ in 0..20 {
        assert_eq!(kind(fixture.ask().await), Some(ErrorKind::RateLimited));
    }
    let used = fixture.used_by_key();
    assert_eq!((used.rps, used.rpm, used.rpd), (Some(1), Some(1), Some(1)));
    assert_eq!(used.concurrency, Some(0));
}

#[tokio::test]
async fn a_refusal_by_the_model_gives_back_what_the_key_had_counted() {
    for (limit, first) in [
        (json!({"rpm": 1}), 0),
        (json!({"concurrency": 1}), 0),
        (json!({"tpm": 5}), 5),
    ] {
        let key = json!({"rps": 9, "rpm": 9, "rph": 9, "rpd": 9, "concurrency": 9});
        let fixture = Fixture::new(&key, &limit);
        let held = fixture
            .ask_for(fixture.call(), move || Ok(answer(first)))
            .await
            .unwrap();
        let held = match first {
            0 => Some(held),
            _ => {
                held.finish().await.unwrap();
                None
            }
        };
        for _ in 0..20 {
            let asked = fixture.ask().await;
            // What has been given back is shown as left.
            assert_eq!(
                header(&asked, "remaining-requests").unwrap(),
                if limit.get("rpm").is_some() { "0" } else { "8" }
            );
            assert!(kind(asked).is_some(), "{limit}");
        }
        let used = fixture.used_by_key();
        assert_eq!(
            [used.rps, used.rpm, used.rph, used.rpd],
            [Some(1); 4],
            "{limit}"
        );
        assert_eq!(used.concurrency, Some(u64::from(held.is_some())));
        drop(held);
        assert_eq!(fixture.used_by_key().concurrency, Some(0));
    }
}

#[tokio::test]
async fn headers_tell_the_limit_with_the_least_left() {
    let fixture = Fixture::new(
        &json!({"rpm": 100, "tpm": 1_000, "concurrency": 8}),
        &json!({"rpd": 50, "tpd": 900, "concurrency": 9}),
    );
    let names = [
        "limit-requests",
        "remaining-requests",
        "reset-requests",
        "limit-tokens",
        "remaining-tokens",
        "reset-tokens",
        "limit-concurrent",
        "remaining-concurrent",
    ];
    let asked = fixture.ask().await;
    let day = "24h0m0s";
    assert_eq!(
        headers(&asked, names),
        ["50", "49", day, "900", "900", day, "8", "7"]
    );
    asked.unwrap().finish().await.unwrap();

    // Also with a failure of the upstream, whose own headers stay.
    let mut own = http::HeaderMap::new();
    own.insert("x-request-id", "req_1".parse().unwrap());
    own.insert("x-ratelimit-remaining-requests", "7777".parse().unwrap());
    let failure = Error::transport("down").with_headers(own);
    let asked = fixture
        .ask_for(fixture.call(), move || Err(failure.clone()))
        .await;
    assert_eq!(
        headers(&asked, names),
        ["50", "48", day, "900", "900", day, "8", "7"]
    );
    let error = asked.unwrap_err();
    assert_eq!(error.headers().unwrap()["x-request-id"], "req_1");
    assert_eq!(fixture.used_by_key().concurrency, Some(0));
}

#[tokio::test]
async fn a_refusal_tells_of_every_limit() {
    let names = [
        "remaining-requests",
        "remaining-tokens",
        "remaining-concurrent",
    ];
    let key = json!({"rpm": 9, "tpm": 5, "concurrency": 4});
    let fixture = Fixture::new(&key, &json!({"rpd": 2}));
    fixture.spend(5).await.unwrap();
    // By the tokens, which are asked first.
    assert_eq!(headers(&fixture.ask().await, names), ["1", "0", "4"]);

    let fixture = Fixture::new(
        &json!({"rpm": 9, "tpm": 5, "concurrency": 1}),
        &json!({"rpd": 3}),
    );
    let held = fixture.ask().await.unwrap();
    assert_eq!(headers(&fixture.ask().await, names), ["2", "5", "0"]);
    held.finish().await.unwrap();
    fixture.spend(0).await.unwrap();
    fixture.spend(0).await.unwrap();
    let asked = fixture.ask().await;
    assert_eq!(headers(&asked, names), ["0", "5", "1"]);
    assert_eq!(header(&asked, "limit-requests").unwrap(), "3");
}

#[tokio::test]
async fn says_when_all_that_is_used_up_is_back() {
    let fixture = Fixture::new(&json!({"rps": 1, "rpm": 1, "rpd": 5}), &none());
    fixture.spend(0).await.unwrap();
    let asked = fixture.ask().await;
    assert_eq!(
        headers(&asked, ["limit-requests", "reset-requests"]),
        ["1", "1m0s"]
    );
    let error = asked.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_millis(59_750)));

    // A concurrent call may end at any time, a spent day does not come back so soon.
    let fixture = Fixture::new(&json!({"rpd": 1, "concurrency": 1}), &none());
    let _held = fixture.ask().await.unwrap();
    let error = fixture.ask().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConcurrencyLimited);
    assert_eq!(
        error.retry_after(),
        Some(Duration::from_millis(86_400_000 - 250))
    );
}

#[tokio::test]
async fn what_has_no_limits_has_no_headers() {
    for nothing in [none(), json!({})] {
        let fixture = Fixture::new(&nothing, &nothing);
        let delivery = fixture.ask().await.unwrap();
        assert!(delivery.meta().headers.is_empty());
        assert_eq!(fixture.used_by_key(), Limits::default());
    }
}

#[tokio::test]
async fn the_list_of_models_costs_nothing() {
    let fixture = Fixture::new(&json!({"rpm": 1, "concurrency": 1}), &json!({"rpm": 1}));
    for operation in [
        Operation::ListModels,
        Operation::RetrieveModel,
        Operation::Unknown,
    ] {
        for _ in 0..3 {
            let caller = Caller::key(Arc::clone(fixture.key()));
            let call = TestCall::new(operation, json!({})).caller(caller);
            let call = fixture.resolved(call);
            let delivery = fixture.ask_for(call, || Ok(answer(9))).await.unwrap();
            assert!(delivery.meta().headers.is_empty());
        }
    }
    assert_eq!(fixture.used_by_key().rpm, Some(0));
    fixture.spend(0).await.unwrap();
}

#[tokio::test]
async fn the_hosts_own_code_is_held_to_the_limits_of_the_model_alone() {
    let fixture = Fixture::new(&json!({"rpm": 1}), &json!({"rpm": 2}));
    let service = || fixture.resolved(TestCall::chat("m").service("cron"));
    for _ in 0..2 {
        drop(fixture.ask_for(service(), || Ok(answer(0))).await.unwrap());
    }
    let refused = fixture.ask_for(service(), || Ok(answer(0))).await;
    assert_eq!(kind(refused), Some(ErrorKind::RateLimited));
    assert_eq!(fixture.used_by_key().rpm, Some(0));
}

#[tokio::test]
async fn a_refused_call_does_not_reach_the_inner_service() {
    let fixture = Fixture::new(&json!({"rpm": 0}), &none());
    let (hook, mut inner) = testing::mock(fixture.layer());
    hook.oneshot(fixture.call()).await.unwrap_err();
    inner.expect_no_call();
}

#[tokio::test]
async fn counts_nothing_before_the_future_is_polled() {
    let fixture = Fixture::new(&json!({"rpm": 1, "concurrency": 1}), &none());
    let (mut hook, mut inner) = testing::mock(fixture.layer());
    let ready = hook.ready().await.unwrap();
    drop(ready.call(fixture.call()));
    inner.expect_no_call();
    let used = fixture.used_by_key();
    assert_eq!((used.rpm, used.concurrency), (Some(0), Some(0)));
}

#[tokio::test]
async fn tells_what_is_used() {
    let fixture = Fixture::new(
        &json!({"rpd": 9, "concurrency": 9, "tpd": 9}),
        &json!({"tpm": 9}),
    );
    fixture.spend(3).await.unwrap();
    let _held = fixture.ask().await.unwrap();
    let used = fixture.used_by_key();
    assert_eq!((used.rpd, used.concurrency), (Some(2), Some(1)));
    assert_eq!((used.tpd, used.tpm, used.rps), (Some(3), None, None));
    assert_eq!(fixture.used_by_model().tpm, Some(3));
    // What a host asks is about its own clock's windows.
    assert_eq!(used_by_key(fixture.key()).concurrency, Some(1));
    assert_eq!(used_by_model(fixture.model()).tpm, Some(0));
}

#[test]
fn futures_stay_small_and_cross_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let fixture = Fixture::new(&none(), &none());
    let mut hook = fixture.layer().layer(answering(|| Ok(answer(0))));
    let future = hook.call(fixture.call());
    assert_send(&future);
    let inner = size_of::<Ready<Result<Reply>>>();
    let size = size_of_val(&future);
    // A guard, and how much is left of three limits.
    assert!(size <= inner + 320, "{size} > {inner} + 320");
}
