use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::error::SyntaxError;
use super::lexer::{Lexer, MAX_DEPTH, check_utf8};
use super::raw::Raw;
use super::string::Halves;

/// Walks over the members of the object that `bytes` are.
///
/// Each step proves that the member is valid JSON, and the last one that nothing follows the
/// object; who stops early leaves the rest unchecked.
///
/// ```
/// use aisix_core::json::members;
///
/// let body = br#"{"mod\u0065l":"gpt-4o","choices":[{"index":0}]}"#;
/// let model = members(body)?.next().expect("two members")?;
/// assert_eq!((&*model.key, &body[model.value]), ("model", &br#""gpt-4o""#[..]));
/// # Ok::<_, aisix_core::json::SyntaxError>(())
/// ```
///
/// # Errors
///
/// Fails when the bytes are not UTF-8 or do not begin an object.
pub fn members(bytes: &[u8]) -> Result<Members<'_>, SyntaxError> {
    Members::new(Lexer::new(check_utf8(bytes)?, Halves::Allow))
}

/// One member of an object.
#[derive(Clone)]
#[non_exhaustive]
pub struct Member<'a> {
    /// The name, without its escapes.
    pub key: Cow<'a, str>,
    /// Where the value stands in the whole text.
    pub value: Range<usize>,
    text: &'a str,
}

/// The members of an object, in the order of the text; made by [`members`].
///
/// A duplicate name comes twice. After an error nothing comes.
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Members<'a> {
    lexer: Lexer<'a>,
    state: State,
}

/// The elements of an array, in the order of the text; made by [`Raw::elements`].
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Elements<'a> {
    lexer: Lexer<'a>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    First,
    More,
    Done,
}

// === impl Member ===

impl<'a> Member<'a> {
    /// The value, to be looked into.
    #[must_use]
    pub fn raw(&self) -> Raw<'a> {
        Raw::new(self.text, self.value.clone())
    }
}

/// Says where, never what: a body is the caller's own.
impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

// === impl Members ===

impl<'a> Members<'a> {
    pub(super) fn new(mut lexer: Lexer<'a>) -> Result<Self, SyntaxError> {
        if !lexer.take(b'{') {
            return Err(lexer.error("expected an object"));
        }
        Ok(Self {
            lexer,
            state: State::First,
        })
    }

    #[inline(always)]
    fn step(&mut self) -> Result<Option<Member<'a>>, SyntaxError> {
        if self.lexer.take(b'}') {
            self.lexer.end()?;
            return Ok(None);
        }
        if self.state == State::More && !self.lexer.take(b',') {
            return Err(self.lexer.error("expected a comma or a brace"));
        }
        let key = self.lexer.key()?;
        let value = self.lexer.value(MAX_DEPTH - 1)?;
        Ok(Some(Member {
            key,
            value,
            text: self.lexer.text(),
        }))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, SyntaxError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        let step = self.step();
        self.state = next_state(&step);
        step.transpose()
    }
}

// === impl Elements ===

impl<'a> Elements<'a> {
    pub(super) fn new(mut lexer: Lexer<'a>) -> Result<Self, SyntaxError> {
        if !lexer.take(b'[') {
            return Err(lexer.error("expected an array"));
        }
        Ok(Self {
            lexer,
            state: State::First,
        })
    }

    #[inline(always)]
    fn step(&mut self) -> Result<Option<Raw<'a>>, SyntaxError> {
        if self.lexer.take(b']') {
            self.lexer.end()?;
            return Ok(None);
        }
        if self.state == State::More && !self.lexer.take(b',') {
            return Err(self.lexer.error("expected a comma or a bracket"));
        }
        let value = self.lexer.value(MAX_DEPTH - 1)?;
        Ok(Some(Raw::new(self.lexer.text(), value)))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Raw<'a>, SyntaxError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        let step = self.step();
        self.state = next_state(&step);
        step.transpose()
    }
}

#[inline]
const fn next_state<T>(step: &Result<Option<T>, SyntaxError>) -> State {
    match step {
        Ok(Some(_)) => State::More,
        Ok(None) | Err(_) => State::Done,
    }
}
