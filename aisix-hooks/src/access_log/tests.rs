use std::sync::Mutex;

use aisix_core::call::Call;
use aisix_core::conversation::ChatEvent;
use aisix_core::error::{Error, ErrorKind, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::{EventStream, Reply};
use aisix_core::testing::{self, Delivery, TestCall};
use futures_util::stream;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::*;

/// What was told about each call: how it ended, its status, and what else there is to say.
type Told = std::sync::Arc<Mutex<Vec<(&'static str, u16, String)>>>;

fn log() -> (Told, AccessLogLayer<impl Sink>) {
    let told = Told::default();
    let writer = std::sync::Arc::clone(&told);
    let layer = AccessLogLayer::new(move |record: &Record<'_>| {
        let outcome = record.outcome();
        let error = outcome.error().map_or("-", ErrorKind::as_str);
        let line = format!(
            "{} {}{} {error} {}+{}",
            record.request_id(),
            record.operation(),
            if record.is_stream() { " stream" } else { "" },
            outcome.usage().input_tokens,
            outcome.usage().output_tokens,
        );
        let entry = (outcome.end().as_str(), outcome.status().as_u16(), line);
        writer.lock().unwrap().push(entry);
    });
    (told, layer)
}

fn only(told: &Told) -> (&'static str, u16, String) {
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].clone()
}

fn call() -> TestCall {
    TestCall::chat("m").header("x-aisix-request-id", "r1")
}

fn answering(
    answer: impl Fn() -> Result<Reply> + Clone + Send + Sync + 'static,
) -> impl CallService {
    tower::service_fn(move |_: Call| std::future::ready(answer()))
}

fn words(words: &'static [&'static str]) -> Reply {
    let events = words.iter().map(|word| Ok(ChatEvent::text(0, *word)));
    let events = stream::StreamExt::chain(stream::iter(events), stream::pending());
    Reply::stream(EventStream::events(events))
}

#[tokio::test]
async fn tells_of_a_call_that_was_refused() {
    let (told, layer) = log();
    let hook = layer.layer(answering(|| Err(Error::invalid_api_key("who?"))));
    hook.oneshot(call().build()).await.unwrap_err();
    assert_eq!(
        only(&told),
        ("refused", 401, "r1 chat invalid_api_key 0+0".to_owned())
    );
}

#[tokio::test]
async fn tells_of_an_answer_when_it_has_been_delivered() {
    let (told, layer) = log();
    let hook = layer.layer(answering(|| {
        let mut reply = Reply::text("4");
        reply.meta_mut().usage = Some(aisix_core::conversation::Usage::new(3, 1));
        Ok(reply)
    }));
    let call = call().build();
    let reply = hook.oneshot(call.clone()).await.unwrap();
    let delivery = Delivery::of(&call, reply);
    assert!(told.lock().unwrap().is_empty());
    delivery.finish().await.unwrap();
    assert_eq!(only(&told), ("complete", 200, "r1 chat - 3+1".to_owned()));
}

#[tokio::test]
async fn tells_of_a_failure() {
    for (error, expected) in [
        (
            Error::transport("down"),
            ("upstream_error", 502, "transport_error"),
        ),
        (Error::timeout("slow"), ("timeout", 504, "timeout")),
        (
            Error::internal("defect"),
            ("refused", 500, "internal_error"),
        ),
    ] {
        let (told, layer) = log();
        let hook = layer.layer(answering(move || Err(error.clone())));
        hook.oneshot(call().build()).await.unwrap_err();
        let (end, status, line) = only(&told);
        assert_eq!((end, status), (expected.0, expected.1));
        assert_eq!(line, format!("r1 chat {} 0+0", expected.2));
    }
}

#[tokio::test]
async fn tells_of_a_caller_who_left_before_the_answer() {
    let (told, layer) = log();
    let (hook, mut inner) = testing::mock(layer);
    let mut asked = Box::pin(hook.oneshot(call().build()));
    let pending = tokio::select! {
        biased;
        _ = &mut asked => unreachable!("nobody has answered"),
        pending = inner.next_call() => pending.unwrap(),
    };
    let estimate = pending.call().payload().estimated_tokens();
    drop(asked);
    let line = format!("r1 chat caller_gone {estimate}+0");
    assert_eq!(only(&told), ("caller_gone", 499, line));
}

#[tokio::test]
async fn tells_of_a_caller_who_left_half_way() {
    let (told, layer) = log();
    let hook = layer.layer(answering(|| Ok(words(&["a", "b", "c"]))));
    let call = call().stream().build();
    let mut delivery = Delivery::of(&call, hook.oneshot(call.clone()).await.unwrap());
    delivery.next().await.unwrap().unwrap();
    delivery.next().await.unwrap().unwrap();
    drop(delivery);
    let estimate = call.payload().estimated_tokens();
    let line = format!("r1 chat stream caller_gone {estimate}+2");
    assert_eq!(only(&told), ("caller_gone", 200, line));
}

#[tokio::test]
async fn tells_of_a_stream_that_broke_off() {
    let (told, layer) = log();
    let hook = layer.layer(answering(|| {
        let events = [Ok(ChatEvent::text(0, "a")), Err(Error::transport("lost"))];
        Ok(Reply::stream(EventStream::events(stream::iter(events))))
    }));
    let call = call().stream().build();
    let delivery = Delivery::of(&call, hook.oneshot(call.clone()).await.unwrap());
    delivery.finish().await.unwrap_err();
    let (end, status, line) = only(&told);
    // The status went out before the stream broke.
    assert_eq!((end, status), ("upstream_error", 200));
    assert!(line.contains("transport_error"), "{line}");
}

#[tokio::test]
async fn says_nothing_of_a_call_that_never_began() {
    let (told, layer) = log();
    let (mut hook, mut inner) = testing::mock(layer);
    let ready = hook.ready().await.unwrap();
    drop(ready.call(call().build()));
    inner.expect_no_call();
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn futures_stay_small_and_cross_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let (_, layer) = log();
    let mut hook = layer.layer(tower::service_fn(|_: Call| {
        std::future::ready(Ok(Reply::text("")))
    }));
    let future = hook.call(call().build());
    assert_send(&future);
    let inner = size_of::<std::future::Ready<Result<Reply>>>();
    let size = size_of_val(&future);
    // A guard beside the inner future.
    assert!(size <= inner + 256, "{size} > {inner} + 256");
}
