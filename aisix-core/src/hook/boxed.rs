use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::CallService;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::reply::Reply;

/// The future of an erased service: the one box of a call.
pub type BoxCallFuture = Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

/// A whole stack behind one pointer.
///
/// It is entered by `&self`, so that sharing it needs no lock, and it is always ready: the
/// readiness of the stack inside is awaited within the future. A stack is erased once, at its
/// outside; hooks inside are composed statically.
#[derive(Clone)]
pub struct BoxCallService {
    inner: Arc<dyn Erased>,
}

impl BoxCallService {
    /// Erases `service`.
    #[must_use]
    pub fn new(service: impl CallService) -> Self {
        Self {
            inner: Arc::new(service),
        }
    }

    /// Answers `call`.
    #[must_use]
    pub fn run(&self, call: Call) -> BoxCallFuture {
        self.inner.run(call)
    }
}

impl Service<Call> for BoxCallService {
    type Response = Reply;
    type Error = Error;
    type Future = BoxCallFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> BoxCallFuture {
        self.run(call)
    }
}

impl fmt::Debug for BoxCallService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxCallService").finish_non_exhaustive()
    }
}

trait Erased: Send + Sync {
    fn run(&self, call: Call) -> BoxCallFuture;
}

impl<S: CallService> Erased for S {
    fn run(&self, call: Call) -> BoxCallFuture {
        let mut service = self.clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(call).await
        })
    }
}
