use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::reply::Reply;
use crate::testing::{self, TestCall};

async fn run<S: CallService>(service: &mut S, call: Call) -> Result<Reply> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(call).await
}

#[tokio::test]
async fn a_closure_hands_on_what_comes_next() {
    let (mut hook, mut inner) = testing::mock(hook_fn(|call, next: Next| async move {
        let mut reply = next.run(call).await?;
        reply
            .meta_mut()
            .headers
            .insert("x-seen", http::HeaderValue::from_static("yes"));
        Ok(reply)
    }));
    let (reply, call) = tokio::join!(
        run(&mut hook, TestCall::chat("m").build()),
        inner.answer(Ok(Reply::text("hi")))
    );
    assert_eq!(call.model(), "m");
    assert_eq!(reply.unwrap().meta().headers["x-seen"], "yes");
}

#[tokio::test]
async fn a_closure_may_answer_by_itself() {
    let (mut hook, mut inner) = testing::mock(hook_fn(|_call, _next: Next| async move {
        Ok(Reply::text("cached"))
    }));
    drop(run(&mut hook, TestCall::chat("m").build()).await.unwrap());
    inner.expect_no_call();
}

#[tokio::test]
async fn a_check_refuses_before_the_inner_service_is_called() {
    let (mut hook, mut inner) = testing::mock(check_fn(|_: &Call| {
        Err(Error::new(ErrorKind::ContentFilter, "no"))
    }));
    let error = run(&mut hook, TestCall::chat("m").build())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContentFilter);
    inner.expect_no_call();
}

#[tokio::test]
async fn nothing_happens_before_the_future_is_polled() {
    let count = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&count);
    let (mut hook, mut inner) = testing::mock(check_fn(move |_: &Call| {
        counting.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }));
    poll_fn(|cx| hook.poll_ready(cx)).await.unwrap();
    drop(hook.call(TestCall::chat("m").build()));
    assert_eq!(count.load(Ordering::Relaxed), 0);
    inner.expect_no_call();
}

#[tokio::test]
async fn an_erased_stack_awaits_readiness() {
    let inner = testing::ReadinessLayer::new().layer(Four);
    let stack = BoxCallService::new(check_fn(|_: &Call| Ok(())).layer(inner));
    drop(stack.run(TestCall::chat("m").build()).await.unwrap());
    drop(stack.run(TestCall::chat("m").build()).await.unwrap());
}

#[derive(Clone)]
struct Four;

impl Service<Call> for Four {
    type Response = Reply;
    type Error = Error;
    type Future = std::future::Ready<Result<Reply>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Call) -> Self::Future {
        std::future::ready(Ok(Reply::text("4")))
    }
}

#[tokio::test]
async fn slots_stack_in_the_order_of_adding() {
    fn tag(name: &'static str) -> impl Layer<Four, Service: CallService> + Clone {
        hook_fn(move |call: Call, next: Next| async move {
            let mut reply = next.run(call).await?;
            reply
                .meta_mut()
                .headers
                .append("x-by", http::HeaderValue::from_static(name));
            Ok(reply)
        })
    }
    let slots = Slots::new().policy(tag("outer"));
    let mut stack = slots.policy.layer(Four);
    let reply = run(&mut stack, TestCall::chat("m").build()).await.unwrap();
    assert_eq!(reply.meta().headers["x-by"], "outer");

    let first = hook_fn(|call: Call, next: Next| async move {
        let mut reply = next.run(call).await?;
        reply
            .meta_mut()
            .headers
            .append("x-by", http::HeaderValue::from_static("first"));
        Ok(reply)
    });
    let second = hook_fn(|call: Call, next: Next| async move {
        let mut reply = next.run(call).await?;
        reply
            .meta_mut()
            .headers
            .append("x-by", http::HeaderValue::from_static("second"));
        Ok(reply)
    });
    let mut stack = Slots::new().policy(first).policy(second).policy.layer(Four);
    let reply = run(&mut stack, TestCall::chat("m").build()).await.unwrap();
    let by: Vec<_> = reply.meta().headers.get_all("x-by").iter().collect();
    // What is inside has answered first.
    assert_eq!(by, ["second", "first"]);
}

#[test]
fn futures_stay_small() {
    let layer = check_fn(|_: &Call| Ok(()));
    let mut service = layer.layer(Four);
    let size = size_of_val(&service.call(TestCall::chat("m").build()));
    // Beside the inner future, a check holds the call for as long as it has not begun.
    let inner = size_of::<std::future::Ready<Result<Reply>>>();
    assert!(size <= inner + 32, "{size} > {inner} + 32");
}
