use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::testing::TestCall;

fn said(events: u64, bytes: u64) -> Frames {
    Frames::new(Bytes::from_static(b"data"), Content { events, bytes }, None)
}

type Seen = Arc<Mutex<Vec<Outcome>>>;

fn watch() -> (Seen, impl FnOnce(&Outcome) + Send + 'static) {
    let seen = Seen::default();
    let writer = Arc::clone(&seen);
    (seen, move |outcome: &Outcome| {
        writer.lock().unwrap().push(outcome.clone());
    })
}

fn only(seen: &Seen) -> Outcome {
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen[0].clone()
}

#[tokio::test]
async fn a_reply_that_is_delivered_ends_complete() {
    let (seen, callback) = watch();
    let reply = Reply::wire(
        crate::dialect::OPENAI_CHAT,
        Bytes::new(),
        Some(Usage::new(3, 4)),
    );
    let (_, _, end) = reply.on_end(callback).into_parts(Tally::now());
    end.complete();
    let outcome = only(&seen);
    assert_eq!((outcome.end(), outcome.usage().total()), (End::Complete, 7));
    assert!(!outcome.is_estimated());
}

#[tokio::test]
async fn a_caller_who_leaves_is_charged_for_what_was_delivered() {
    let (seen, callback) = watch();
    let call = TestCall::chat("m").build();
    let (_, _, mut end) = Reply::text("x")
        .on_end(callback)
        .into_parts(Tally::of(&call));
    end.tally_mut().frames(&said(1, 4));
    end.tally_mut().frames(&said(3, 12));
    drop(end);
    let outcome = only(&seen);
    assert_eq!(outcome.end(), End::CallerGone);
    assert!(outcome.is_estimated());
    assert_eq!(outcome.usage().output_tokens, 4);
    assert_eq!(
        outcome.usage().input_tokens,
        call.payload().estimated_tokens()
    );
    assert!(outcome.time_to_first_token().is_some());
}

#[tokio::test]
async fn events_with_much_text_count_for_their_text() {
    let (seen, callback) = watch();
    let (_, _, mut end) = Reply::text("x").on_end(callback).into_parts(Tally::now());
    end.tally_mut().frames(&said(1, 0));
    end.tally_mut().frames(&said(1, 800));
    drop(end);
    assert_eq!(only(&seen).usage().output_tokens, 200);
}

#[tokio::test]
async fn a_guard_settles_with_the_error_of_the_call() {
    let (seen, callback) = watch();
    let guard = EndGuard::new(Tally::now(), Vec::new()).with(callback);
    guard.settle(Err(Error::timeout("slow"))).unwrap_err();
    let outcome = only(&seen);
    assert_eq!(
        (outcome.end(), outcome.error()),
        (End::Timeout, Some(ErrorKind::Timeout))
    );
    assert_eq!(outcome.status(), 504);
    assert_eq!(outcome.usage().total(), 0);
}

#[tokio::test]
async fn a_guard_moves_on_to_the_end_of_the_reply() {
    let (seen, callback) = watch();
    let guard = EndGuard::new(Tally::now(), Vec::new()).with(callback);
    let reply = guard.settle(Ok(Reply::text("x"))).unwrap();
    assert!(seen.lock().unwrap().is_empty());
    let (_, _, end) = reply.into_parts(Tally::now());
    end.complete();
    assert_eq!(only(&seen).end(), End::Complete);
}

#[tokio::test]
async fn a_reply_that_nobody_takes_has_lost_its_caller() {
    let (seen, callback) = watch();
    drop(Reply::text("x").on_end(callback));
    assert_eq!(only(&seen).end(), End::CallerGone);
}

#[tokio::test]
async fn a_reply_that_a_hook_drops_has_cost_what_it_has_cost() {
    let (seen, callback) = watch();
    let call = TestCall::chat("m").build();
    let reply = Reply::wire(
        crate::dialect::OPENAI_CHAT,
        Bytes::new(),
        Some(Usage::new(3, 4)),
    );
    let reply = EndGuard::of(&call).with(callback).settle(Ok(reply));
    drop(reply.unwrap());
    let outcome = only(&seen);
    assert_eq!(
        (outcome.usage().total(), outcome.is_estimated()),
        (7, false)
    );
}

#[tokio::test]
async fn a_stream_that_a_hook_drops_is_charged_for_its_input() {
    let (seen, callback) = watch();
    let call = TestCall::chat("m").build();
    let events = EventStream::events(futures_util::stream::pending());
    let reply = EndGuard::of(&call)
        .with(callback)
        .settle(Ok(Reply::stream(events)));
    drop(reply.unwrap());
    let estimate = call.payload().estimated_tokens();
    assert!(estimate > 0);
    assert_eq!(only(&seen).usage(), &Usage::new(estimate, 0));
}

#[tokio::test]
async fn who_leaves_before_the_first_byte_was_sent_no_status() {
    let (seen, callback) = watch();
    drop(EndGuard::of(&TestCall::chat("m").build()).with(callback));
    assert_eq!(only(&seen).status(), 499);

    let (seen, callback) = watch();
    let (_, _, mut end) = Reply::text("x").on_end(callback).into_parts(Tally::now());
    end.tally_mut().frames(&said(1, 4));
    drop(end);
    assert_eq!(only(&seen).status(), 200);
}

#[tokio::test]
async fn what_was_said_after_the_usage_was_told_is_charged_to_who_leaves() {
    let told = |output| {
        Frames::new(
            Bytes::new(),
            Content::default(),
            Some(Usage::new(9, output)),
        )
    };
    for (last, want) in [(None, (40, true)), (Some(told(30)), (30, false))] {
        let (seen, callback) = watch();
        let (_, _, mut end) = Reply::text("x").on_end(callback).into_parts(Tally::now());
        end.tally_mut().frames(&told(1));
        end.tally_mut().frames(&said(40, 40));
        if let Some(last) = &last {
            end.tally_mut().frames(last);
        }
        drop(end);
        let outcome = only(&seen);
        assert_eq!(outcome.usage().input_tokens, 9);
        assert_eq!(
            (outcome.usage().output_tokens, outcome.is_estimated()),
            want
        );
    }
}
