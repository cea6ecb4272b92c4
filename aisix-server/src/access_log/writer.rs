use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::Thread;
use std::time::Duration;
use std::time::Instant;

use super::buffer::Append;
use super::buffer::Shards;

/// How much one thread gathers before it is written without waiting for the time to pass.
const FULL: usize = 64 * 1024;

/// How long a line waits for others.
const LINGER: Duration = Duration::from_millis(100);

/// How much may wait in all, when the reader of the log is slow.
const BOUND: usize = 8 * 1024 * 1024;

/// How long the end of the process waits for the last lines.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// A log of lines that are written by a thread of its own; cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessLog {
    shared: Arc<Shared>,
    writer: Thread,
}

/// Writes what is left when it is dropped; keep it until the last request has ended.
#[derive(Debug)]
#[must_use = "dropping it ends the log"]
pub struct FlushGuard {
    shared: Arc<Shared>,
    writer: Thread,
    ended: Receiver<()>,
}

#[derive(Debug)]
struct Shared {
    shards: Shards,
    /// A line waits and the writer knows: the first of a batch wakes it, the others do not.
    pending: AtomicBool,
    /// A shard is full, so that the writer need not wait any longer.
    full: AtomicBool,
    closed: AtomicBool,
    dropped: AtomicU64,
}

impl AccessLog {
    /// A log on the standard output.
    ///
    /// # Panics
    ///
    /// Panics when the system cannot start a thread.
    pub fn stdout() -> (Self, FlushGuard) {
        Self::new(std::io::stdout())
    }

    /// A log on `out`, which is written to in large pieces and flushed after each.
    ///
    /// # Panics
    ///
    /// Panics when the system cannot start a thread.
    pub fn new(out: impl Write + Send + 'static) -> (Self, FlushGuard) {
        let shards = thread::available_parallelism().map_or(1, Into::into) + 1;
        Self::with_bound(out, shards, BOUND / shards)
    }

    fn with_bound(
        out: impl Write + Send + 'static,
        shards: usize,
        bound: usize,
    ) -> (Self, FlushGuard) {
        let shared = Arc::new(Shared {
            shards: Shards::new(shards, bound),
            pending: AtomicBool::new(false),
            full: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        });
        let (end, ended) = sync_channel(1);
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, out, &end)
        });
        let writer = thread.expect("a thread can be started").thread().clone();
        let log = Self {
            shared: Arc::clone(&shared),
            writer: writer.clone(),
        };
        let guard = FlushGuard {
            shared,
            writer,
            ended,
        };
        (log, guard)
    }

    /// Adds the line that `write` appends to the buffer, which may hold earlier lines; its end of
    /// line is added. Never waits for the output: without room the line is dropped and counted.
    pub fn write(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let shared = &*self.shared;
        match shared.shards.append(write) {
            Append::Waiting(bytes) => {
                let wakes =
                    !is_set(&shared.pending) && !shared.pending.swap(true, Ordering::AcqRel);
                let fills = bytes >= FULL
                    && !is_set(&shared.full)
                    && !shared.full.swap(true, Ordering::AcqRel);
                if wakes || fills {
                    self.writer.unpark();
                }
            }
            Append::Dropped => {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many lines were dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.writer.unpark();
        if self.ended.recv_timeout(LAST_WRITE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the last lines of the access log could not be written in time");
        }
    }
}

/// A look that does not take the cache line from other threads, before an exchange that does.
fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Acquire)
}

fn run(shared: &Shared, mut out: impl Write, end: &SyncSender<()>) {
    let mut spare = Vec::new();
    let mut reported = 0;
    loop {
        let closed = is_set(&shared.closed);
        if !closed && !is_set(&shared.pending) {
            thread::park(); // An idle process has no timer that wakes it.
            continue;
        }
        if !closed {
            linger(shared);
        }
        // Cleared first: a line that comes while its shard has been drained already wakes us again.
        shared.full.store(false, Ordering::Release);
        shared.pending.swap(false, Ordering::AcqRel);
        let mut failed = None;
        shared.shards.drain(&mut spare, |bytes| {
            let written = out.write_all(bytes).and_then(|()| out.flush());
            failed = written.err().or(failed.take());
        });
        if let Some(error) = failed {
            tracing::warn!(%error, "the access log cannot be written");
        }
        let dropped = shared.dropped.load(Ordering::Relaxed);
        if dropped > reported {
            tracing::warn!(
                lines = dropped - reported,
                "access log too slow: lines dropped"
            );
            reported = dropped;
        }
        if closed {
            break;
        }
    }
    // Nobody waits any longer when it cannot be sent.
    if let Err(TrySendError::Full(())) = end.try_send(()) {
        tracing::debug!("the end of the access log was told twice");
    }
}

/// Waits for more lines, until a buffer is full or time is up.
fn linger(shared: &Shared) {
    let deadline = Instant::now() + LINGER;
    while !is_set(&shared.full) && !is_set(&shared.closed) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn writes_what_is_left_at_the_end() {
        let out = Out::default();
        let (log, guard) = AccessLog::new(out.clone());
        for number in 0..100 {
            log.write(|line| write!(line, "line {number}").unwrap());
        }
        drop(guard);
        assert_eq!(out.lines(), 100);
        assert!(out.writes() < 10, "{} writes", out.writes());
        assert_eq!(log.dropped(), 0);
    }

    #[test]
    fn writes_soon_without_being_asked() {
        let (sender, receiver) = mpsc::channel();
        let (log, _guard) = AccessLog::new(Channel(sender));
        for _ in 0..2 {
            log.write(|line| line.extend_from_slice(b"x"));
            let seen = receiver.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_eq!(seen, b"x\n");
        }
    }

    #[test]
    fn loses_no_line_of_many_threads() {
        let out = Out::default();
        let (log, guard) = AccessLog::new(out.clone());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        log.write(|line| line.extend_from_slice(&[b'x'; 40]));
                    }
                });
            }
        });
        drop(guard);
        assert_eq!(out.lines(), 40_000);
    }

    #[test]
    fn drops_and_counts_when_the_output_is_stuck() {
        let stuck = Arc::new(Mutex::new(()));
        let held = stuck.lock().unwrap();
        let out = Out {
            stuck: Arc::clone(&stuck),
            ..Out::default()
        };
        let (log, guard) = AccessLog::with_bound(out.clone(), 1, 1000);
        let start = Instant::now();
        for _ in 0..1000 {
            log.write(|line| line.extend_from_slice(b"123456789"));
        }
        assert!(start.elapsed() < Duration::from_secs(1));
        let dropped = log.dropped();
        assert!(dropped >= 800, "{dropped}");
        drop(held);
        drop(guard);
        assert_eq!(out.lines() as u64 + dropped, 1000);
    }

    #[derive(Clone, Default)]
    struct Out {
        pieces: Arc<Mutex<Vec<Vec<u8>>>>,
        stuck: Arc<Mutex<()>>,
    }

    impl Out {
        fn lines(&self) -> usize {
            let pieces = self.pieces.lock().unwrap();
            pieces
                .iter()
                .flatten()
                .filter(|byte| **byte == b'\n')
                .count()
        }

        fn writes(&self) -> usize {
            self.pieces.lock().unwrap().len()
        }
    }

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _free = self.stuck.lock().unwrap();
            self.pieces.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Channel(mpsc::Sender<Vec<u8>>);

    impl Write for Channel {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
