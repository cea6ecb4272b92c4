use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aisix_core::call::Call;
use aisix_core::error::{Error, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::{EndGuard, Reply};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Record, Sink};

pin_project! {
    /// The future of [`AccessLog`](super::AccessLog).
    pub struct ResponseFuture<K, S: Service<Call>> {
        #[pin]
        state: State<K, S, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<K, S, F> {
        Start { sink: Arc<K>, inner: S, call: Option<Call> },
        Inner { #[pin] future: F, guard: Option<EndGuard> },
    }
}

impl<K, S: Service<Call>> ResponseFuture<K, S> {
    pub(super) fn new(sink: Arc<K>, inner: S, call: Call) -> Self {
        Self {
            state: State::Start {
                sink,
                inner,
                call: Some(call),
            },
        }
    }
}

impl<K: Sink, S: CallService> Future for ResponseFuture<K, S> {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Start { sink, inner, call } => {
                    let Some(call) = call.take() else {
                        return Poll::Ready(Err(Error::internal(
                            "a hook was polled after its end",
                        )));
                    };
                    let guard = watch(&call, Arc::clone(sink));
                    let future = inner.call(call);
                    state.set(State::Inner {
                        future,
                        guard: Some(guard),
                    });
                }
                StateProj::Inner { future, guard } => {
                    let result = ready!(future.poll(cx));
                    return Poll::Ready(match guard.take() {
                        Some(guard) => guard.settle(result),
                        None => result,
                    });
                }
            }
        }
    }
}

impl<K, S: Service<Call>> fmt::Debug for ResponseFuture<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

fn watch<K: Sink>(call: &Call, sink: Arc<K>) -> EndGuard {
    let context = Arc::clone(call.context());
    let (operation, stream) = (call.operation(), call.is_stream());
    EndGuard::of(call).with(move |outcome| {
        sink.record(&Record {
            context: &context,
            operation,
            stream,
            outcome,
        });
    })
}
