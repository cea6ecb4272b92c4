use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;

use aisix_core::call::Call;
use aisix_core::conversation::ChatEvent;
use aisix_core::error::{Error, ErrorKind, Result, RetryAdvice};
use aisix_core::reply::{EventStream, Reply};
use aisix_core::resource::Kind;
use aisix_core::testing::{self, Delivery, TestCall};
use futures_util::stream;
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::*;

/// What the inner service saw: the number of each attempt, and when it came.
type Attempts = Vec<(u32, Duration)>;

/// Runs `call` through `layer`, around a service that gives these answers.
async fn run(
    layer: RetryLayer,
    call: Call,
    answers: impl IntoIterator<Item = Result<Reply>>,
) -> (Result<Reply>, Attempts) {
    let mut answers: VecDeque<_> = answers.into_iter().collect();
    let (hook, mut inner) = testing::mock(layer);
    let start = Instant::now();
    let answering = async move {
        let mut seen = Attempts::new();
        while let Some(pending) = inner.next_call().await {
            seen.push((pending.call().attempt(), start.elapsed()));
            let answer = answers.pop_front().expect("an answer for each attempt");
            drop(pending.answer(answer));
        }
        seen
    };
    tokio::join!(hook.oneshot(call), answering)
}

fn call() -> Call {
    TestCall::chat("m").build()
}

fn failed() -> Error {
    Error::new(ErrorKind::UpstreamError, "the provider failed")
}

fn hello() -> Result<Reply> {
    Ok(Reply::text("hello"))
}

/// Of a call that fails so each time: how often it is tried.
async fn tries(layer: RetryLayer, call: Call, error: Error) -> usize {
    let answers = std::iter::repeat_n(error.clone(), 20).map(Err);
    let (result, attempts) = run(layer, call, answers).await;
    assert_eq!(result.unwrap_err().kind(), error.kind());
    attempts.len()
}

#[tokio::test(start_paused = true)]
async fn tries_again_what_may_succeed_the_next_time() {
    for error in [failed(), Error::transport("reset"), Error::timeout("slow")] {
        let (result, attempts) = run(RetryLayer::new(), call(), [Err(error), hello()]).await;
        drop(result.unwrap());
        assert_eq!(attempts.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn takes_a_refusal_for_final() {
    let rejected = |status| {
        Error::new(ErrorKind::UpstreamRejected, "no")
            .with_status(StatusCode::from_u16(status).unwrap())
    };
    let soon = RetryAdvice::After(Duration::from_secs(1));
    for error in [
        rejected(400),
        rejected(401),
        rejected(404),
        rejected(408),
        rejected(409),
        rejected(429),
        rejected(429).with_retry(soon),
        rejected(429).with_retry(RetryAdvice::Retry),
        // Our own, some of which say when to come back.
        Error::new(ErrorKind::RateLimited, "no").with_retry(soon),
        Error::new(ErrorKind::Unavailable, "no").with_retry(soon),
        Error::internal("a defect"),
        Error::invalid_request("no"),
        // It has been worked for.
        Error::upstream_decode("<html>"),
        failed().with_retry(RetryAdvice::Never),
    ] {
        assert_eq!(
            tries(RetryLayer::new(), call(), error.clone()).await,
            1,
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn gives_up_with_the_last_error() {
    let errors = ["first", "second", "third"].map(|text| Err(Error::transport(text)));
    let (result, attempts) = run(RetryLayer::new(), call(), errors).await;
    assert_eq!(result.unwrap_err().message(), "third");
    let numbers: Vec<_> = attempts.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn tries_as_often_as_it_is_told() {
    assert_eq!(tries(RetryLayer::default(), call(), failed()).await, 3);
    for retries in [0, 1, 5] {
        let layer = RetryLayer::new().with_retries(retries);
        assert_eq!(tries(layer, call(), failed()).await, retries as usize + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_models_own_number_goes_first() {
    for retries in [0, 1, 4] {
        let model = json!({
            "display_name": "m", "provider": "mock", "model_name": "demo", "retries": retries,
        });
        let call = TestCall::chat("m").row(Kind::Models, "m", model).build();
        let entry = call.snapshot().model("m").unwrap();
        call.context().resolve_model(std::sync::Arc::clone(entry));
        assert_eq!(tries(RetryLayer::new(), call, failed()).await, retries + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_of_a_hook_further_out_are_not_its_own() {
    // The third target, after two others were tried once each.
    let call = call().next_attempt().next_attempt();
    let errors = std::iter::repeat_n(failed(), 3).map(Err);
    let (result, attempts) = run(RetryLayer::new(), call, errors).await;
    result.unwrap_err();
    let numbers: Vec<_> = attempts.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [2, 3, 4]);
    assert!(attempts[1].1 <= Duration::from_millis(251), "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn waits_longer_each_time_and_never_as_long_as_another() {
    let mut firsts = Vec::new();
    for _ in 0..40 {
        let layer = RetryLayer::new().with_retries(6);
        let errors = std::iter::repeat_n(failed(), 7).map(Err);
        let (result, attempts) = run(layer, call(), errors).await;
        result.unwrap_err();
        let gaps: Vec<_> = attempts.windows(2).map(|two| two[1].1 - two[0].1).collect();
        // A timer fires at the next whole millisecond.
        for (gap, most) in gaps.iter().zip([250, 500, 1000, 2000, 2000, 2000]) {
            assert!(
                *gap <= Duration::from_millis(most + 1),
                "{gap:?} > {most} ms"
            );
        }
        firsts.push(gaps[0]);
    }
    let (least, most) = (firsts.iter().min().unwrap(), firsts.iter().max().unwrap());
    assert!(*most - *least > Duration::from_millis(50), "{firsts:?}");
}

#[tokio::test(start_paused = true)]
async fn waits_exactly_as_long_as_the_upstream_says() {
    for millis in [0, 1, 1_500, 5_000] {
        let after = RetryAdvice::After(Duration::from_millis(millis));
        let (result, attempts) = run(
            RetryLayer::new(),
            call(),
            [Err(failed().with_retry(after)), hello()],
        )
        .await;
        drop(result.unwrap());
        assert_eq!(attempts[1].1, Duration::from_millis(millis));
    }
}

#[tokio::test(start_paused = true)]
async fn leaves_a_long_wait_to_the_caller() {
    let delay = Duration::from_millis(5_001);
    let error = failed().with_retry(RetryAdvice::After(delay));
    let (result, attempts) = run(RetryLayer::new(), call(), [Err(error)]).await;
    assert_eq!(result.unwrap_err().retry_after(), Some(delay));
    assert_eq!(attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let events = [Ok(ChatEvent::text(0, "Hel")), Err(Error::transport("lost"))];
    let reply = Reply::stream(EventStream::events(stream::iter(events)));
    let (result, attempts) = run(RetryLayer::new(), call(), [Ok(reply)]).await;
    let delivery = Delivery::of(&call(), result.unwrap());
    delivery.finish().await.unwrap_err();
    assert_eq!(attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_during_a_wait_ends_it() {
    let (hook, mut inner) = testing::mock(RetryLayer::new());
    let mut asked = Box::pin(hook.oneshot(call()));
    let after = RetryAdvice::After(Duration::from_secs(2));
    tokio::select! {
        biased;
        _ = &mut asked => unreachable!("it waits"),
        _ = inner.answer(Err(failed().with_retry(after))) => {}
    }
    let waited = tokio::time::timeout(Duration::from_secs(1), &mut asked).await;
    assert!(waited.is_err());
    drop(asked);
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(inner.next_call().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_during_an_attempt_ends_it() {
    let (hook, mut inner) = testing::mock(RetryLayer::new());
    let mut asked = Box::pin(hook.oneshot(call()));
    let pending = tokio::select! {
        biased;
        _ = &mut asked => unreachable!("nobody has answered"),
        pending = inner.next_call() => pending.unwrap(),
    };
    drop(asked);
    drop(pending.answer(Err(failed())));
    assert!(inner.next_call().await.is_none());
}

/// Fails, and takes a while to be ready.
#[derive(Clone)]
struct Busy {
    readiness: Duration,
    ready_at: Option<Instant>,
}

impl Service<Call> for Busy {
    type Response = Reply;
    type Error = Error;
    type Future = std::future::Ready<Result<Reply>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<()>> {
        let now = Instant::now();
        let at = *self.ready_at.get_or_insert(now + self.readiness);
        if now >= at {
            return Poll::Ready(Ok(()));
        }
        let waker = cx.waker().clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            waker.wake();
        });
        Poll::Pending
    }

    fn call(&mut self, _: Call) -> Self::Future {
        assert!(self.ready_at.take().is_some_and(|at| at <= Instant::now()));
        std::future::ready(Err(failed().with_retry(RetryAdvice::After(Duration::ZERO))))
    }
}

#[tokio::test(start_paused = true)]
async fn awaits_that_the_service_is_ready_before_each_attempt() {
    let readiness = Duration::from_secs(1);
    let busy = Busy {
        readiness,
        ready_at: None,
    };
    let start = Instant::now();
    let hook = RetryLayer::new().layer(testing::ReadinessLayer::new().layer(busy));
    hook.oneshot(call()).await.unwrap_err();
    assert_eq!(start.elapsed(), 3 * readiness);
}

#[tokio::test]
async fn asks_nothing_before_the_future_is_polled() {
    let (mut hook, mut inner) = testing::mock(RetryLayer::new());
    let ready = hook.ready().await.unwrap();
    drop(ready.call(call()));
    inner.expect_no_call();
}

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn a_call_is_counted_once_however_often_it_is_tried() {
    use aisix_core::call::Caller;
    use aisix_core::resource::KeyHash;

    let key = json!({
        "key_hash": KeyHash::of("sk").to_string(), "allowed_models": ["*"],
        "rate_limit": {"rpd": 9},
    });
    let call = TestCall::chat("m").row(Kind::ApiKeys, "k", key);
    let entry = call
        .snapshot()
        .api_key(&KeyHash::of("sk"))
        .cloned()
        .unwrap();
    let call = call.caller(Caller::key(entry)).build();
    let stack =
        tower_layer::Stack::new(RetryLayer::new(), crate::rate_limit::RateLimitLayer::new());
    let (hook, mut inner) = testing::mock(stack);
    let answering = async move {
        inner.answer(Err(failed())).await;
        inner.answer(Err(failed())).await;
        inner.answer(hello()).await;
    };
    let (reply, ()) = tokio::join!(hook.oneshot(call), answering);
    let reply = reply.unwrap();
    assert_eq!(reply.meta().headers["x-ratelimit-remaining-requests"], "8");
}

#[test]
fn futures_stay_small_and_cross_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let mut hook =
        RetryLayer::new().layer(tower::service_fn(|_: Call| std::future::ready(hello())));
    let future = hook.call(call());
    assert_send(&future);
    // A timer, or an attempt, and the call beside it.
    let size = size_of_val(&future);
    let most = size_of::<tokio::time::Sleep>().max(size_of::<Result<Reply>>()) + 96;
    assert!(size <= most, "{size} > {most}");
}
