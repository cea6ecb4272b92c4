//! What is wrong with a conversation, and where.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::conversation::Extra;
use crate::error::Error;
use crate::json;

/// Members that the types do not name.
pub(super) type Rest = Map<String, Value>;

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

    /// The same fault, seen from outside the member `name`.
    pub(super) fn in_member(mut self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }

    /// The same fault, of which only the outermost member can be named.
    pub(super) fn only_in(mut self, name: &str) -> Self {
        name.clone_into(&mut self.path);
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

/// The fields that the dialect `id` read from `extra`; a field of another format is refused by name.
pub(super) fn own_fields(extra: &Extra, id: &str) -> Result<Rest, Fault> {
    match extra.foreign_to(id).find(|name| !is_hint(name)) {
        Some(name) => Err(Fault {
            path: name.to_owned(),
            ..Fault::unsupported(&format!("`{name}`"))
        }),
        None => Ok(extra.fields(id).cloned().unwrap_or_default()),
    }
}

/// A tool of the vendor's own, as the dialect `id` read it; one of another vendor is refused by what
/// makes it one, not by its first field.
pub(super) fn own_tool(extra: &Extra, id: &str) -> Result<Rest, Fault> {
    own_fields(extra, id).map_err(|_| Fault {
        path: "type".to_owned(),
        ..Fault::unsupported("a tool of this type")
    })
}

/// Whether to leave the field out changes no answer.
fn is_hint(name: &str) -> bool {
    HINTS.contains(&name)
}

/// Fields of other formats that say where a cached prefix may end, when a tool is shown to the model
/// and with which examples, how its arguments are streamed, and the id and the state of an item.
/// Coding agents send them in every request.
const HINTS: &[&str] = &[
    "cache_control",
    "defer_loading",
    "eager_input_streaming",
    "id",
    "input_examples",
    "output_schema",
    "phase",
    "prompt_cache_breakpoint",
    "status",
];

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

/// What a request cannot do without.
pub(super) fn required<T>(value: Option<T>, name: &'static str) -> Result<T, Error> {
    value.ok_or_else(|| {
        Error::invalid_request(format!("The request needs `{name}`."))
            .with_code("missing_required_parameter")
            .with_param(name)
    })
}

/// Says what serde stumbled over in a body that should be a `T`, with the parameter: reads member
/// by member until one fails. `inner` looks for the culprit in an element of a member.
pub(super) fn explain<T: DeserializeOwned>(
    body: &[u8],
    error: &serde_json::Error,
    inner: impl Fn(&str, &str) -> Option<serde_json::Error>,
) -> Error {
    if !error.is_data() {
        return Error::invalid_request(format!("The body is not valid JSON: {error}"));
    }
    match culprit::<T>(body, inner) {
        Some((param, error)) => {
            Error::invalid_request(format!("Invalid value for `{param}`: {error}"))
                .with_param(param)
        }
        None => Error::invalid_request(format!("The body is not a request of this kind: {error}")),
    }
}

fn culprit<T: DeserializeOwned>(
    body: &[u8],
    inner: impl Fn(&str, &str) -> Option<serde_json::Error>,
) -> Option<(String, serde_json::Error)> {
    for member in json::members(body).ok()?.map_while(Result::ok) {
        let raw = member.raw();
        let mut alone = b"{".to_vec();
        json::write_string(&mut alone, &member.key);
        alone.push(b':');
        alone.extend_from_slice(raw.as_json().as_bytes());
        alone.push(b'}');
        let Err(error) = serde_json::from_slice::<T>(&alone) else {
            continue;
        };
        let found = raw.elements().and_then(|elements| {
            let mut elements = elements.map_while(Result::ok).enumerate();
            elements.find_map(|(at, element)| {
                let error = inner(&member.key, element.as_json())?;
                Some((format!("{}[{at}]", member.key), error))
            })
        });
        return Some(found.unwrap_or_else(|| (member.key.into_owned(), error)));
    }
    None
}
