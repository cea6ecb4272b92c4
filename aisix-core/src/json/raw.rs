use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::lexer::Lexer;
use super::members::{Elements, Members};
use super::string::{Halves, unescape};

/// One value where it stands: valid JSON that nobody has parsed yet.
///
/// Spans are counted from the start of the whole text, however deep the value stands, so that they
/// can be given to [`splice`](super::splice).
#[derive(Clone)]
pub struct Raw<'a> {
    text: &'a str,
    span: Range<usize>,
}

// === impl Raw ===

impl<'a> Raw<'a> {
    pub(super) const fn new(text: &'a str, span: Range<usize>) -> Self {
        Self { text, span }
    }

    /// Where the value stands in the whole text.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The value as it is written.
    #[must_use]
    pub fn as_json(&self) -> &'a str {
        &self.text[self.span.clone()]
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_json() == "null"
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.as_json().starts_with('{')
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.as_json().starts_with('[')
    }

    /// Whether it is a string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.as_json().starts_with('"')
    }

    /// Whether it is an object, an array or a string with nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.as_json().as_bytes() {
            [b'{' | b'[' | b'"', inner @ .., b'}' | b']' | b'"'] => {
                (inner.is_empty() || !self.is_string()) && inner.trim_ascii().is_empty()
            }
            _ => false,
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn to_bool(&self) -> Option<bool> {
        match self.as_json() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The number, if it is an integer that is written as one and fits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        self.as_json().parse().ok()
    }

    /// The number, if it is one.
    #[must_use]
    pub fn to_f64(&self) -> Option<f64> {
        match self.as_json().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => self.as_json().parse().ok(),
            _ => None,
        }
    }

    /// The string without its quotes and escapes, if it is one; borrowed when it has no escapes.
    #[must_use]
    pub fn to_text(&self) -> Option<Cow<'a, str>> {
        let inner = self.as_json().strip_prefix('"')?.strip_suffix('"')?;
        Some(if memchr::memchr(b'\\', inner.as_bytes()).is_some() {
            Cow::Owned(unescape(inner))
        } else {
            Cow::Borrowed(inner)
        })
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn members(&self) -> Option<Members<'a>> {
        Members::new(self.lexer()).ok()
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn elements(&self) -> Option<Elements<'a>> {
        Elements::new(self.lexer()).ok()
    }

    fn lexer(&self) -> Lexer<'a> {
        Lexer::within(self.text, &self.span, Halves::Allow)
    }
}

/// Says where, never what: a body is the caller's own.
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raw").field(&self.span).finish()
    }
}
