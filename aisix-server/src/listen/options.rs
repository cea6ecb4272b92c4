use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

/// How the connections of a listener are served.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) header_read_timeout: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_header_bytes: u32,
}

impl HttpOptions {
    /// Plain HTTP; 10 s to send a request's head, 64 KiB for it, no idle timeout.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tls: None,
            header_read_timeout: Duration::from_secs(10),
            idle_timeout: None,
            max_header_bytes: 64 * 1024,
        }
    }

    /// Serves HTTPS.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<ServerConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Closes a connection whose TLS handshake, first request or half-sent head takes longer.
    /// A connection that waits for its next request is not measured.
    #[must_use]
    pub fn with_header_read_timeout(mut self, timeout: Duration) -> Self {
        self.header_read_timeout = timeout;
        self
    }

    /// Closes a connection that has had no request for so long; `None` never does.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Refuses a head that is longer, with 431 (HTTP/1.1: at least 8 KiB).
    #[must_use]
    pub fn with_max_header_bytes(mut self, bytes: u32) -> Self {
        self.max_header_bytes = bytes;
        self
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}
