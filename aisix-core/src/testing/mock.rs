use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use tower_layer::Layer;
use tower_service::Service;

use super::{Readiness, ReadinessLayer};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::hook::CallService;
use crate::reply::Reply;

/// Puts `layer` around a service whose calls come out at the handle.
///
/// The service inside panics when it is called without having been polled ready.
pub fn mock<L>(layer: L) -> (L::Service, MockHandle)
where
    L: Layer<Readiness<MockService>, Service: CallService>,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    let inner = ReadinessLayer::new().layer(MockService { sender });
    (layer.layer(inner), MockHandle { receiver })
}

/// The inner service of [`mock`].
#[derive(Clone)]
pub struct MockService {
    sender: mpsc::UnboundedSender<Pending>,
}

/// The other end of a [`MockService`].
#[derive(Debug)]
pub struct MockHandle {
    receiver: mpsc::UnboundedReceiver<Pending>,
}

/// A call that waits for its answer; dropping it answers with an internal error.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    call: Call,
    answer: oneshot::Sender<Result<Reply>>,
}

impl Service<Call> for MockService {
    type Response = Reply;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (answer, answered) = oneshot::channel();
        // A handle that is gone answers nothing, which the channel then says.
        drop(self.sender.send(Pending { call, answer }));
        Box::pin(async move {
            answered
                .await
                .unwrap_or_else(|_| Err(Error::internal("the mock was dropped")))
        })
    }
}

impl fmt::Debug for MockService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MockService")
    }
}

impl MockHandle {
    /// The next call that reaches the inner service; `None` when the stack is gone.
    pub async fn next_call(&mut self) -> Option<Pending> {
        self.receiver.recv().await
    }

    /// Answers the next call with `result`.
    ///
    /// # Panics
    ///
    /// The stack is gone.
    #[expect(
        clippy::expect_used,
        reason = "a test that waits for a call which cannot come has failed"
    )]
    pub async fn answer(&mut self, result: Result<Reply>) -> Call {
        self.next_call().await.expect("a call").answer(result)
    }

    /// No call has reached the inner service.
    ///
    /// # Panics
    ///
    /// One has.
    #[track_caller]
    pub fn expect_no_call(&mut self) {
        if let Ok(pending) = self.receiver.try_recv() {
            panic!("a call reached the inner service: {:?}", pending.call);
        }
    }
}

impl Pending {
    /// The call.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Answers it.
    pub fn answer(self, result: Result<Reply>) -> Call {
        // A caller who is gone hears no answer.
        drop(self.answer.send(result));
        self.call
    }
}
