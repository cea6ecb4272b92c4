//! What the process tells about itself.

mod logs;

pub use logs::{init_logs, subscriber};
