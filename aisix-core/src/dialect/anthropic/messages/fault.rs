//! What is wrong with a conversation, and where.

use std::borrow::Cow;
use std::fmt;

use crate::error::Error;

/// What is wrong, and where below the request.
#[derive(Debug)]
pub(super) struct Fault {
    path: String,
    reason: Cow<'static, str>,
    /// Whether it is well formed, only that the target cannot say it.
    is_unsupported: bool,
}

impl Fault {
    pub(super) fn new(path: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.into(),
            is_unsupported: false,
        }
    }

    /// The target has no way to say `what`.
    pub(super) fn unsupported(path: &str, what: &str) -> Self {
        Self {
            is_unsupported: true,
            ..Self::new(path, format!("the target has no way to say {what}"))
        }
    }

    /// The same fault, seen from outside the list `name`.
    pub(super) fn at(mut self, name: &str, index: usize) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{name}[{index}]{dot}{}", self.path);
        self
    }

    /// The fault as the caller reads it.
    pub(super) fn into_error(self) -> Error {
        let message = self.to_string();
        if self.is_unsupported {
            Error::unsupported(self.path, message)
        } else {
            Error::invalid_request(message).with_param(self.path)
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.into_error()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid value for `{}`: {}.", self.path, self.reason)
    }
}
