//! What is wrong with a conversation, and where.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::ID;
use super::wire::Rest;
use crate::conversation::Extra;
use crate::error::Error;

/// What is wrong, and where below the message.
#[derive(Debug)]
pub(super) struct Fault {
    path: String,
    reason: Cow<'static, str>,
    /// Whether it is well formed, only that this format cannot say it.
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

    pub(super) fn unsupported(what: &str) -> Self {
        Self {
            is_unsupported: true,
            ..Self::new("", format!("the target's format has no way to say {what}"))
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid value for `{}`: {}.", self.path, self.reason)
    }
}

/// The fields that this format read from `extra`; a field of another format is refused by name.
pub(super) fn own_fields(extra: &Extra) -> Result<Rest, Fault> {
    match extra.foreign_to(ID).find(|name| !is_hint(name)) {
        Some(name) => Err(Fault {
            path: name.to_owned(),
            ..Fault::unsupported(&format!("`{name}`"))
        }),
        None => Ok(extra.fields(ID).cloned().unwrap_or_default()),
    }
}

/// Fields that say where a cached prefix may end: to leave one out changes no answer.
fn is_hint(name: &str) -> bool {
    matches!(name, "cache_control" | "prompt_cache_breakpoint")
}

pub(super) fn keep(rest: &mut Rest, name: &str, nested: Rest) {
    if !nested.is_empty() {
        rest.insert(name.to_owned(), nested.into());
    }
}

pub(super) fn taken(rest: &mut Rest, name: &str) -> Rest {
    match rest.shift_remove(name) {
        Some(Value::Object(nested)) => nested,
        _ => Rest::new(),
    }
}
