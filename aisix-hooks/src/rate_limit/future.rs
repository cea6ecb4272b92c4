use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aisix_core::call::Call;
use aisix_core::error::{Error, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::{EndGuard, Reply};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::headers::Quotas;
use super::reservation::Reservation;
use super::window::Clock;

pin_project! {
    /// The future of [`RateLimit`](super::RateLimit).
    pub struct ResponseFuture<S: Service<Call>> {
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F> {
        Start { clock: Clock, inner: S, call: Option<Call> },
        Admitted { #[pin] future: F, guard: Option<EndGuard>, quotas: Quotas },
    }
}

impl<S: Service<Call>> ResponseFuture<S> {
    pub(super) fn new(clock: Clock, inner: S, call: Call) -> Self {
        Self {
            state: State::Start {
                clock,
                inner,
                call: Some(call),
            },
        }
    }
}

impl<S: CallService> Future for ResponseFuture<S> {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Start { clock, inner, call } => {
                    let Some(call) = call.take() else {
                        return Poll::Ready(Err(Error::internal(
                            "a hook was polled after its end",
                        )));
                    };
                    let mut quotas = Quotas::default();
                    let guard = admit(&call, clock, &mut quotas)?;
                    let future = inner.call(call);
                    state.set(State::Admitted {
                        future,
                        guard,
                        quotas,
                    });
                }
                StateProj::Admitted {
                    future,
                    guard,
                    quotas,
                } => {
                    let result = ready!(future.poll(cx));
                    return Poll::Ready(match guard.take() {
                        Some(guard) => guard.settle(with_quotas(result, quotas)),
                        None => result,
                    });
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

/// Admits `call`; the guard, if it is metered, settles the reservation when the call has ended.
fn admit(call: &Call, clock: &Clock, quotas: &mut Quotas) -> Result<Option<EndGuard>> {
    if !call.operation().has_body() {
        return Ok(None);
    }
    let Some(reservation) = Reservation::admit(call, clock, quotas)? else {
        return Ok(None);
    };
    let clock = clock.clone();
    Ok(Some(EndGuard::of(call).with(move |outcome| {
        reservation.settle(outcome, clock.now());
    })))
}

fn with_quotas(result: Result<Reply>, quotas: &Quotas) -> Result<Reply> {
    match result {
        Ok(mut reply) => {
            quotas.write(&mut reply.meta_mut().headers);
            Ok(reply)
        }
        Err(error) => {
            let mut headers = error.headers().cloned().unwrap_or_default();
            quotas.write(&mut headers);
            Err(error.with_headers(headers))
        }
    }
}
