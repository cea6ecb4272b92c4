use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aisix_core::call::Call;
use aisix_core::error::Result;
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_service::Service;

use super::policy::Policy;

pin_project! {
    /// The future of [`Retry`](super::Retry).
    pub struct ResponseFuture<S: Service<Call>> {
        policy: Policy,
        inner: S,
        // Kept for the next try.
        call: Call,
        // The call's own count of attempts includes those of a hook further out, at other targets.
        tries: u32,
        #[pin]
        state: State<S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // The service is ready: it was polled so, for the first try by the caller.
        Ready,
        Trying { #[pin] future: F },
        Waiting { #[pin] sleep: Sleep },
        Unready,
    }
}

impl<S: CallService> ResponseFuture<S> {
    pub(super) fn new(policy: Policy, inner: S, call: Call) -> Self {
        Self {
            policy,
            inner,
            call,
            tries: 0,
            state: State::Ready,
        }
    }
}

impl<S: CallService> Future for ResponseFuture<S> {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Ready => {
                    let future = this.inner.call(this.call.clone());
                    this.state.set(State::Trying { future });
                }
                StateProj::Trying { future } => {
                    let error = match ready!(future.poll(cx)) {
                        Ok(reply) => return Poll::Ready(Ok(reply)),
                        Err(error) => error,
                    };
                    let Some(delay) = this.policy.delay(this.call, *this.tries, &error) else {
                        return Poll::Ready(Err(error));
                    };
                    tracing::debug!(
                        request_id = %this.call.context().request_id(),
                        attempt = this.call.attempt(),
                        %error,
                        ?delay,
                        "trying again"
                    );
                    *this.tries += 1;
                    *this.call = this.call.clone().next_attempt();
                    this.state.set(State::Waiting {
                        sleep: tokio::time::sleep(delay),
                    });
                }
                StateProj::Waiting { sleep } => {
                    ready!(sleep.poll(cx));
                    this.state.set(State::Unready);
                }
                StateProj::Unready => {
                    ready!(this.inner.poll_ready(cx))?;
                    this.state.set(State::Ready);
                }
            }
        }
    }
}

impl<S: Service<Call>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
