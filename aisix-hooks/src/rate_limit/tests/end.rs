//! What is held until the end, and what is charged there.

use aisix_core::conversation::ChatEvent;
use aisix_core::reply::{EndGuard, EventStream};
use aisix_core::testing;
use futures_util::stream;

use super::*;

fn limits() -> Value {
    json!({"rpm": 9, "tpm": 1_000, "concurrency": 1})
}

/// A stream of words that never ends by itself.
fn endless(words: usize) -> Reply {
    let words = (0..words).map(|_| Ok(ChatEvent::text(0, "a ")));
    let events = stream::StreamExt::chain(stream::iter(words), stream::pending());
    Reply::stream(EventStream::events(events))
}

#[tokio::test]
async fn a_place_is_held_until_the_last_byte() {
    let fixture = Fixture::new(&limits(), &limits());
    let words = || {
        let events = [Ok(ChatEvent::text(0, "a")), Ok(ChatEvent::text(0, "b"))];
        Ok(Reply::stream(EventStream::events(stream::iter(events))))
    };
    let mut delivery = fixture.ask_for(fixture.call(), words).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            kind(fixture.ask().await),
            Some(ErrorKind::ConcurrencyLimited)
        );
        delivery.next().await.unwrap().unwrap();
    }
    assert_eq!(
        kind(fixture.ask().await),
        Some(ErrorKind::ConcurrencyLimited)
    );
    assert!(delivery.next().await.is_none());
    fixture.spend(0).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_breaks_off_frees_its_place_and_is_charged() {
    let fixture = Fixture::new(&limits(), &none());
    let broken = || {
        let events = [
            Ok(ChatEvent::text(0, "word")),
            Err(Error::transport("lost")),
        ];
        Ok(Reply::stream(EventStream::events(stream::iter(events))))
    };
    let call = fixture.call();
    let estimate = call.payload().estimated_tokens();
    let delivery = fixture.ask_for(call, broken).await.unwrap();
    delivery.finish().await.unwrap_err();
    let used = fixture.used_by_key();
    assert_eq!((used.concurrency, used.tpm), (Some(0), Some(estimate + 1)));
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_answer_frees_the_place_and_is_charged_for_the_input() {
    let fixture = Fixture::new(&limits(), &limits());
    let (hook, mut inner) = testing::mock(fixture.layer());
    let call = fixture.call();
    let estimate = call.payload().estimated_tokens();
    assert!(estimate > 0);
    let mut asked = Box::pin(hook.oneshot(call));
    let pending = tokio::select! {
        biased;
        _ = &mut asked => unreachable!("nobody has answered"),
        pending = inner.next_call() => pending.unwrap(),
    };
    for used in [fixture.used_by_key(), fixture.used_by_model()] {
        assert_eq!(
            (used.rpm, used.concurrency, used.tpm),
            (Some(1), Some(1), Some(0))
        );
    }
    drop(asked);
    for used in [fixture.used_by_key(), fixture.used_by_model()] {
        assert_eq!((used.rpm, used.concurrency), (Some(1), Some(0)));
        assert_eq!(used.tpm, Some(estimate));
    }
    drop(pending);
}

#[tokio::test]
async fn a_caller_who_leaves_half_way_is_charged_for_what_was_delivered() {
    let fixture = Fixture::new(&limits(), &limits());
    let call = fixture.call();
    let estimate = call.payload().estimated_tokens();
    let mut delivery = fixture.ask_for(call, || Ok(endless(9))).await.unwrap();
    for _ in 0..4 {
        delivery.next().await.unwrap().unwrap();
    }
    assert_eq!(fixture.used_by_key().tpm, Some(0));
    drop(delivery);
    for used in [fixture.used_by_key(), fixture.used_by_model()] {
        assert_eq!((used.concurrency, used.tpm), (Some(0), Some(estimate + 4)));
    }
}

#[tokio::test]
async fn a_reply_that_a_hook_further_out_drops_is_charged() {
    let fixture = Fixture::new(&limits(), &none());
    let hook = fixture.layer().layer(answering(|| Ok(answer(70))));
    let call = fixture.call();
    let reply = EndGuard::of(&call).settle(hook.oneshot(call).await);
    drop(reply.unwrap());
    let used = fixture.used_by_key();
    assert_eq!((used.concurrency, used.tpm), (Some(0), Some(70)));
}

#[tokio::test]
async fn what_no_model_has_worked_for_costs_no_tokens() {
    let refused = |kind| move || Err(Error::new(kind, "no"));
    for error in [
        ErrorKind::ContentFilter,
        ErrorKind::UpstreamRejected,
        ErrorKind::UpstreamError,
        ErrorKind::Timeout,
    ] {
        let fixture = Fixture::new(&limits(), &limits());
        let asked = fixture.ask_for(fixture.call(), refused(error)).await;
        assert_eq!(kind(asked), Some(error));
        for used in [fixture.used_by_key(), fixture.used_by_model()] {
            assert_eq!(
                (used.rpm, used.concurrency, used.tpm),
                (Some(1), Some(0), Some(0))
            );
        }
    }
}

#[tokio::test]
async fn tokens_are_charged_when_they_are_known() {
    let fixture = Fixture::new(&json!({"rpm": 9, "tpm": 10}), &none());
    let delivery = fixture.ask_for(fixture.call(), || Ok(answer(10))).await;
    fixture.advance(60_000);
    assert_eq!(fixture.used_by_key().tpm, Some(0));
    delivery.unwrap().finish().await.unwrap();
    // In the minute in which the answer ended; the request stays with the minute before.
    let used = fixture.used_by_key();
    assert_eq!((used.rpm, used.tpm), (Some(0), Some(10)));
    assert_eq!(kind(fixture.ask().await), Some(ErrorKind::RateLimited));
}
