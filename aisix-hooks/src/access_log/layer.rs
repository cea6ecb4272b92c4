use std::sync::Arc;

use tower_layer::Layer;

use super::{AccessLog, Record};

/// Where records go. It must neither block nor fail.
pub trait Sink: Send + Sync + 'static {
    /// Takes a record.
    fn record(&self, record: &Record<'_>);
}

impl<F> Sink for F
where
    F: Fn(&Record<'_>) + Send + Sync + 'static,
{
    fn record(&self, record: &Record<'_>) {
        self(record);
    }
}

/// Tells a [`Sink`] about each call.
#[derive(Debug)]
#[must_use]
pub struct AccessLogLayer<K> {
    sink: Arc<K>,
}

impl<K: Sink> AccessLogLayer<K> {
    /// Tells `sink`.
    pub fn new(sink: K) -> Self {
        Self {
            sink: Arc::new(sink),
        }
    }
}

impl<K> Clone for AccessLogLayer<K> {
    fn clone(&self) -> Self {
        Self {
            sink: Arc::clone(&self.sink),
        }
    }
}

impl<K: Sink, S> Layer<S> for AccessLogLayer<K> {
    type Service = AccessLog<K, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessLog::new(Arc::clone(&self.sink), inner)
    }
}
