use std::fmt;

use super::error::SyntaxError;
use super::lexer::{Lexer, MAX_DEPTH, check_utf8};
use super::raw::Raw;
use super::string::Halves;

/// Walks into values in one pass: the cheapest way to read a few members that stand deep.
///
/// A cursor stands before a value. Whoever gets one may read that value, once, or leave it: then it
/// is stepped over, and proved to be valid on the way. [`members`](super::members) is handier
/// where nothing but the outermost members is of interest.
///
/// ```
/// use aisix_core::json::Cursor;
///
/// let chunk = br#"{"id":"c1","choices":[{"index":0,"finish_reason":"stop"}],"usage":null}"#;
/// let mut finished = false;
/// let mut cursor = Cursor::new(chunk)?;
/// cursor.members(|name, value| match name {
///     "choices" => value.elements(|choice| {
///         choice.members(|name, value| {
///             if name == "finish_reason" {
///                 finished |= !value.raw()?.is_null();
///             }
///             Ok(())
///         })
///     }),
///     _ => Ok(()),
/// })?;
/// cursor.end()?;
/// assert!(finished);
/// # Ok::<_, aisix_core::json::SyntaxError>(())
/// ```
pub struct Cursor<'a> {
    lexer: Lexer<'a>,
    /// How many levels are left.
    depth: usize,
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    /// Stands before the one value that `bytes` are.
    ///
    /// # Errors
    ///
    /// Fails when the bytes are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        Ok(Self::over(Lexer::new(check_utf8(bytes)?, Halves::Allow)))
    }

    pub(super) const fn over(lexer: Lexer<'a>) -> Self {
        Self {
            lexer,
            depth: MAX_DEPTH,
        }
    }

    pub(super) const fn lexer(&self) -> &Lexer<'a> {
        &self.lexer
    }

    /// Gives `each` the name of each member, without its escapes, and a cursor before its value. A
    /// value that is no object is stepped over.
    ///
    /// # Errors
    ///
    /// Fails where the text is no JSON, and as `each` does.
    #[inline]
    pub fn members<E: From<SyntaxError>>(
        &mut self,
        mut each: impl FnMut(&str, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.enter(b'{')? {
            return Ok(());
        }
        if !self.lexer.take(b'}') {
            loop {
                let name = self.lexer.key()?;
                self.offer(|cursor| each(&name, cursor))?;
                if !self.lexer.take(b',') {
                    break;
                }
            }
            self.lexer.close(b'}')?;
        }
        self.depth += 1;
        Ok(())
    }

    /// Gives `each` a cursor before each element. A value that is no array is stepped over.
    ///
    /// # Errors
    ///
    /// Fails where the text is no JSON, and as `each` does.
    #[inline]
    pub fn elements<E: From<SyntaxError>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.enter(b'[')? {
            return Ok(());
        }
        if !self.lexer.take(b']') {
            loop {
                self.offer(&mut each)?;
                if !self.lexer.take(b',') {
                    break;
                }
            }
            self.lexer.close(b']')?;
        }
        self.depth += 1;
        Ok(())
    }

    /// Whether the value begins as an object does.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.lexer.peek() == Some(b'{')
    }

    /// Whether the value begins as an array does.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.lexer.peek() == Some(b'[')
    }

    /// Where it stands: before its value, or behind it once that has been read.
    #[must_use]
    pub fn at(&self) -> usize {
        self.lexer.at()
    }

    /// Steps over the value, and hands it out as it stands.
    ///
    /// # Errors
    ///
    /// Fails where the text is no JSON.
    #[inline]
    pub fn raw(&mut self) -> Result<Raw<'a>, SyntaxError> {
        let span = self.lexer.value(self.depth)?;
        Ok(Raw::new(self.lexer.text(), span))
    }

    /// Proves that nothing but white space follows.
    ///
    /// # Errors
    ///
    /// Fails where anything does.
    pub fn end(mut self) -> Result<(), SyntaxError> {
        self.lexer.end()
    }

    /// Steps behind the sign that opens the value, or over a value of another kind.
    #[inline]
    fn enter(&mut self, open: u8) -> Result<bool, SyntaxError> {
        if !self.lexer.take(open) {
            self.lexer.skip_value(self.depth)?;
            return Ok(false);
        }
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| self.lexer.error("nested too deeply"))?;
        Ok(true)
    }

    /// Lets `each` read the next value, and steps over it if that did not.
    #[inline]
    fn offer<E: From<SyntaxError>>(
        &mut self,
        each: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.lexer.skip_space();
        let start = self.lexer.at();
        each(self)?;
        if self.lexer.at() == start {
            self.lexer.skip_value(self.depth)?;
        }
        Ok(())
    }
}

/// Says where, never what: a body is the caller's own.
impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("at", &self.lexer.at())
            .finish_non_exhaustive()
    }
}
