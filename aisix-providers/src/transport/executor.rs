//! Where the tasks of connections run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper_util::rt::TokioExecutor;

/// A task that an executor is given.
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns on the current Tokio runtime, or where the host says.
#[derive(Clone, Default)]
pub(super) enum Executor {
    #[default]
    Tokio,
    Host(Arc<dyn Fn(BoxTask) + Send + Sync>),
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        match self {
            Self::Tokio => TokioExecutor::new().execute(future),
            Self::Host(spawn) => spawn(Box::pin(future)),
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokio => "Tokio",
            Self::Host(_) => "Host",
        })
    }
}
