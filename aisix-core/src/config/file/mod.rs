//! The resources file: every kind as a list, in YAML or JSON.

mod problem;
mod read;
mod source;
mod write;

pub use self::problem::{FileProblem, FileProblems};
pub use self::read::read_resources;
pub use self::source::{FileSource, Reload};
pub use self::write::write_resources;

/// The key that says which format a file is in, and the only format there is.
const VERSION_KEY: &str = "_format_version";
const VERSION: &str = "1";

#[cfg(test)]
mod tests;
