//! The access log: one JSON line for each request, written without making a request wait.
//!
//! A line goes into a bounded buffer in memory; a thread of its own writes what has gathered when
//! 64 KiB are full or 100 ms have passed, so that there is no system call for each line. When the
//! reader of the log is too slow, lines are dropped and counted.
//!
//! ```
//! use aisix_server::access_log::{AccessLog, Record};
//!
//! let (log, guard) = AccessLog::stdout();
//! let record = Record::new(std::time::SystemTime::now(), "GET", "/v1/models", 200);
//! log.write(|line| record.format(line));
//! drop(guard); // Writes what is left.
//! ```

mod buffer;
mod clock;
mod record;
mod writer;

pub use record::Record;
pub use writer::{AccessLog, FlushGuard};
