use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::CallService;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::reply::Reply;

/// Decides whether a call may go on.
///
/// Closures that take a `&Call` implement it. The decision is made within the call's future, on
/// its first poll, and must not block.
pub trait Check: Clone + Send + Sync + 'static {
    /// Lets `call` pass, or says why not.
    ///
    /// # Errors
    ///
    /// Why the call may not go on.
    fn check(&self, call: &Call) -> Result<()>;
}

/// Makes a hook of a [`Check`]; unlike [`hook_fn`](super::hook_fn), it costs no allocation.
///
/// ```
/// use aisix_core::call::Call;
/// use aisix_core::error::Error;
/// use aisix_core::hook::check_fn;
///
/// let short = check_fn(|call: &Call| {
///     if call.payload().bytes().len() > 4096 {
///         return Err(Error::invalid_request("Be brief.").with_param("messages"));
///     }
///     Ok(())
/// });
/// # drop(short);
/// ```
pub fn check_fn<C: Check>(check: C) -> CheckLayer<C> {
    CheckLayer { check }
}

/// The hook that [`check_fn`] makes.
#[derive(Clone, Copy)]
#[must_use]
pub struct CheckLayer<C> {
    check: C,
}

/// The service of a [`CheckLayer`].
#[derive(Clone, Copy)]
pub struct Checked<C, S> {
    check: C,
    inner: S,
}

pin_project! {
    /// The future of [`Checked`].
    pub struct CheckedFuture<C, S: Service<Call>> {
        #[pin]
        state: State<C, S, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<C, S, F> {
        Start { check: C, inner: S, call: Option<Call> },
        Inner { #[pin] future: F },
    }
}

impl<F> Check for F
where
    F: Fn(&Call) -> Result<()> + Clone + Send + Sync + 'static,
{
    fn check(&self, call: &Call) -> Result<()> {
        self(call)
    }
}

// === impl CheckLayer ===

impl<C: Clone, S> Layer<S> for CheckLayer<C> {
    type Service = Checked<C, S>;

    fn layer(&self, inner: S) -> Checked<C, S> {
        Checked::new(self.check.clone(), inner)
    }
}

impl<C> fmt::Debug for CheckLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckLayer")
    }
}

// === impl Checked ===

impl<C, S> Checked<C, S> {
    /// Lets only those calls go on to `inner` that pass `check`.
    #[must_use]
    pub fn new(check: C, inner: S) -> Self {
        Self { check, inner }
    }
}

impl<C: Check, S: CallService> Service<Call> for Checked<C, S> {
    type Response = Reply;
    type Error = Error;
    type Future = CheckedFuture<C, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The instance that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let state = State::Start {
            check: self.check.clone(),
            inner,
            call: Some(call),
        };
        CheckedFuture { state }
    }
}

impl<C, S> fmt::Debug for Checked<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checked")
    }
}

// === impl CheckedFuture ===

impl<C: Check, S: CallService> Future for CheckedFuture<C, S> {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Start { check, inner, call } => {
                    let Some(call) = call.take() else {
                        return Poll::Ready(Err(Error::internal(
                            "a hook was polled after its end",
                        )));
                    };
                    check.check(&call)?;
                    let future = inner.call(call);
                    state.set(State::Inner { future });
                }
                StateProj::Inner { future } => return future.poll(cx),
            }
        }
    }
}

impl<C, S: Service<Call>> fmt::Debug for CheckedFuture<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedFuture")
    }
}
