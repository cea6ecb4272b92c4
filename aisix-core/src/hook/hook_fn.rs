use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{BoxCallFuture, CallService};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::reply::Reply;

/// Makes a hook of a closure that gets the call and what comes [`Next`].
///
/// The closure may change the call, answer it itself, run what comes next once, or change the
/// reply. Its price is one box a call, for `Next`; a hook on the hot path that must not pay it is
/// written as a `Layer`.
///
/// ```
/// use aisix_core::call::Call;
/// use aisix_core::hook::{Next, hook_fn};
///
/// let timed = hook_fn(|call: Call, next: Next| async move {
///     let model = call.model().to_owned();
///     let reply = next.run(call).await?;
///     Ok(reply.on_end(move |outcome| println!("{model}: {:?}", outcome.duration())))
/// });
/// # drop(timed);
/// ```
pub fn hook_fn<F, Fut>(f: F) -> HookFn<F>
where
    F: Fn(Call, Next) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply>> + Send + 'static,
{
    HookFn { f }
}

/// The hook that [`hook_fn`] makes.
#[derive(Clone, Copy)]
#[must_use]
pub struct HookFn<F> {
    f: F,
}

/// The service of a [`HookFn`].
#[derive(Clone, Copy)]
pub struct HookFnService<F, S> {
    f: F,
    inner: S,
}

/// The services further in, to be run by a [`hook_fn`].
pub struct Next {
    inner: Box<dyn FnOnce(Call) -> BoxCallFuture + Send>,
}

pin_project! {
    /// The future of a [`HookFnService`].
    pub struct HookFnFuture<F, Fut> {
        #[pin]
        state: State<F, Fut>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, Fut> {
        Start { f: F, input: Option<(Call, Next)> },
        Running { #[pin] future: Fut },
    }
}

// === impl HookFn ===

impl<F: Clone, S> Layer<S> for HookFn<F> {
    type Service = HookFnService<F, S>;

    fn layer(&self, inner: S) -> Self::Service {
        HookFnService {
            f: self.f.clone(),
            inner,
        }
    }
}

impl<F> fmt::Debug for HookFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookFn")
    }
}

// === impl HookFnService ===

impl<F, Fut, S> Service<Call> for HookFnService<F, S>
where
    F: Fn(Call, Next) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply>> + Send + 'static,
    S: CallService,
{
    type Response = Reply;
    type Error = Error;
    type Future = HookFnFuture<F, Fut>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The instance that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let state = State::Start {
            f: self.f.clone(),
            input: Some((call, Next::new(ready))),
        };
        HookFnFuture { state }
    }
}

impl<F, S> fmt::Debug for HookFnService<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookFnService")
    }
}

// === impl Next ===

impl Next {
    fn new<S: CallService>(mut ready: S) -> Self {
        Self {
            inner: Box::new(move |call| Box::pin(ready.call(call))),
        }
    }

    /// Hands the call on to the hooks further in, and at last to the provider.
    #[must_use = "futures do nothing unless polled"]
    pub fn run(self, call: Call) -> BoxCallFuture {
        (self.inner)(call)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}

// === impl HookFnFuture ===

impl<F, Fut> Future for HookFnFuture<F, Fut>
where
    F: Fn(Call, Next) -> Fut,
    Fut: Future<Output = Result<Reply>>,
{
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Start { f, input } => {
                    let Some((call, next)) = input.take() else {
                        return Poll::Ready(Err(Error::internal(
                            "a hook was polled after its end",
                        )));
                    };
                    let future = f(call, next);
                    this.state.set(State::Running { future });
                }
                StateProj::Running { future } => return future.poll(cx),
            }
        }
    }
}

impl<F, Fut> fmt::Debug for HookFnFuture<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookFnFuture")
    }
}
