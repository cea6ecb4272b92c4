use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;

/// Why a text is no JSON, and where.
///
/// ```
/// let error = aisix_core::json::validate(b"[1,]").unwrap_err();
/// assert_eq!(error.to_string(), "expected a value at byte 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    offset: usize,
    reason: &'static str,
}

// === impl SyntaxError ===

impl SyntaxError {
    #[cold]
    pub(super) const fn new(offset: usize, reason: &'static str) -> Self {
        Self { offset, reason }
    }

    /// The offset in bytes of what is wrong.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong there, in a few words.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

impl StdError for SyntaxError {}

/// The caller's body is no JSON: 400.
impl From<SyntaxError> for Error {
    fn from(error: SyntaxError) -> Self {
        Self::invalid_request(format!("The request body is not valid JSON: {error}."))
            .with_source(error)
    }
}
