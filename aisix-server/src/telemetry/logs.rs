use std::io;
use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

use crate::config::LogLevel;

/// Sends the log of this process to the standard error; the standard output is the access log's.
///
/// # Errors
///
/// Returns an error when somebody has done so already.
pub fn init_logs(level: &LogLevel) -> Result<(), TryInitError> {
    subscriber(level, io::stderr, io::stderr().is_terminal()).try_init()
}

/// The subscriber behind [`init_logs`], for another writer.
pub fn subscriber<W>(level: &LogLevel, writer: W, ansi: bool) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(ansi);
    registry().with(level.to_filter()).with(lines)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn shows_what_the_level_of_a_target_allows() {
        let out = Out::default();
        let level: LogLevel = "warn,chatty=debug".parse().unwrap();
        tracing::subscriber::with_default(subscriber(&level, out.clone(), false), || {
            tracing::info!("hidden");
            tracing::warn!(port = 3000, "shown");
            tracing::debug!(target: "chatty", "shown too");
        });
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        assert!(text.contains("shown port=3000"), "{text}");
        assert!(text.contains("shown too"), "{text}");
    }

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Out {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
}
