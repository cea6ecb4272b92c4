use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::block::skip_blocks;
use super::error::SyntaxError;
use super::string::{Halves, find_special, find_special_near, skip_escape, unescape};

/// How many arrays and objects may stand in each other.
///
/// `serde_json` refuses the 128th, so whatever passes here can also be parsed.
pub const MAX_DEPTH: usize = 127;

/// Proves that `bytes` are one JSON value and nothing else.
///
/// One pass after the check for UTF-8, no recursion, no allocation.
///
/// # Errors
///
/// Fails at the first byte that cannot be part of a valid text; see the [module](super) for what
/// is valid.
pub fn validate(bytes: &[u8]) -> Result<(), SyntaxError> {
    let mut lexer = Lexer::new(check_utf8(bytes)?, Halves::Refuse);
    lexer.skip_value(MAX_DEPTH)?;
    lexer.end()
}

pub(super) fn check_utf8(bytes: &[u8]) -> Result<&str, SyntaxError> {
    std::str::from_utf8(bytes)
        .map_err(|error| SyntaxError::new(error.valid_up_to(), "invalid UTF-8"))
}

/// A position in a text, and the steps that lead over its parts.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    halves: Halves,
    text_bytes: usize,
}

/// A key that was stepped over.
struct Key {
    /// Behind the opening quote.
    start: usize,
    /// At the closing quote.
    inner_end: usize,
    /// Behind the colon.
    end: usize,
    escaped: bool,
}

// === impl Lexer ===

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, halves: Halves) -> Self {
        Self {
            text,
            at: 0,
            halves,
            text_bytes: 0,
        }
    }

    /// Stands at `span` of `text`, and sees nothing behind it.
    pub(super) fn within(text: &'a str, span: &Range<usize>, halves: Halves) -> Self {
        Self {
            at: span.start,
            ..Self::new(&text[..span.end], halves)
        }
    }

    /// How many bytes have been stepped over.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// The bytes of all strings stepped over that are neither keys nor encoded binary data.
    pub(super) const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    #[cold]
    #[inline(never)]
    pub(super) fn error(&self, reason: &'static str) -> SyntaxError {
        error_at(self.text.as_bytes(), self.at, reason)
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        self.at = skip_space(self.text.as_bytes(), self.at);
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        bytes.get(skip_space(bytes, self.at)).copied()
    }

    /// Steps over `byte` if it comes next after white space.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over the sign that ends an object or an array, behind a value in it.
    #[inline]
    pub(super) fn close(&mut self, byte: u8) -> Result<(), SyntaxError> {
        if !self.take(byte) {
            return Err(self.error(after_value(byte == b'}')));
        }
        Ok(())
    }

    /// Only white space may be left.
    pub(super) fn end(&mut self) -> Result<(), SyntaxError> {
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.error("unexpected text after the value"));
        }
        Ok(())
    }

    /// Steps over a key and its colon.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let key = skip_key(self.text.as_bytes(), self.at, self.halves)?;
        self.at = key.end;
        let inner = &self.text[key.start..key.inner_end];
        Ok(if key.escaped {
            Cow::Owned(unescape(inner))
        } else {
            Cow::Borrowed(inner)
        })
    }

    /// Steps over one value, as [`skip_value`](Self::skip_value) does, and says where it stands.
    #[inline]
    pub(super) fn value(&mut self, depth: usize) -> Result<Range<usize>, SyntaxError> {
        self.skip_space();
        let start = self.at;
        self.skip_value(depth)?;
        Ok(start..self.at)
    }

    /// Steps over one value, however deep, after white space; `depth` levels are left.
    pub(super) fn skip_value(&mut self, depth: usize) -> Result<(), SyntaxError> {
        let bytes = self.text.as_bytes();
        // One bit a level, the innermost lowest: 1 for an object, 0 for an array.
        let mut objects = 0_u128;
        let mut level = 0;
        let mut before_key = false;
        let mut key = 0;
        let mut at = self.at;
        loop {
            if before_key {
                let found = skip_key(bytes, at, self.halves)?;
                (key, at) = (found.start, found.end);
            }
            at = skip_space(bytes, at);
            match bytes.get(at) {
                Some(b'"') => {
                    let start = at + 1;
                    at = skip_string(bytes, start, self.halves)?.0;
                    self.text_bytes += text_bytes(bytes, key, start..at - 1);
                }
                Some(&open @ (b'{' | b'[')) => {
                    if level == depth {
                        return Err(error_at(bytes, at, "nested too deeply"));
                    }
                    at = skip_space(bytes, at + 1);
                    // In ASCII a closing sign stands two behind its opening one.
                    if bytes.get(at) == Some(&(open + 2)) {
                        at += 1;
                    } else {
                        level += 1;
                        before_key = open == b'{';
                        objects = objects << 1 | u128::from(before_key);
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => at = skip_number(bytes, at)?,
                Some(b't') => at = skip_word(bytes, at, b"true")?,
                Some(b'f') => at = skip_word(bytes, at, b"false")?,
                Some(b'n') => at = skip_word(bytes, at, b"null")?,
                _ => return Err(error_at(bytes, at, "expected a value")),
            }
            loop {
                if level == 0 {
                    self.at = at;
                    return Ok(());
                }
                before_key = objects & 1 == 1;
                at = skip_space(bytes, at);
                match bytes.get(at) {
                    Some(b',') => break,
                    Some(b'}') if before_key => {}
                    Some(b']') if !before_key => {}
                    _ => return Err(error_at(bytes, at, after_value(before_key))),
                }
                at += 1;
                level -= 1;
                objects >>= 1;
            }
            at += 1;
        }
    }
}

/// Says where, never what: a body is the caller's own.
impl fmt::Debug for Lexer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lexer")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

// The steps below are functions of a position, not methods, so that the position stays in a
// register; they return the position behind what they step over.

#[inline]
fn skip_space(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(byte) if *byte <= b' ' => skip_spaces(bytes, at),
        _ => at,
    }
}

fn skip_spaces(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
        .map_or(bytes.len(), |more| at + more)
}

/// Steps over white space, a key, and its colon.
#[inline(always)]
fn skip_key(bytes: &[u8], at: usize, halves: Halves) -> Result<Key, SyntaxError> {
    let at = skip_space(bytes, at);
    if bytes.get(at) != Some(&b'"') {
        return Err(error_at(bytes, at, "expected a key"));
    }
    let start = at + 1;
    let (end, escaped) = skip_string(bytes, start, halves)?;
    let at = skip_space(bytes, end);
    if bytes.get(at) != Some(&b':') {
        return Err(error_at(bytes, at, "expected a colon"));
    }
    Ok(Key {
        start,
        inner_end: end - 1,
        end: at + 1,
        escaped,
    })
}

/// Steps over a string whose opening quote is before `at`; says whether it has escapes.
#[inline(always)]
fn skip_string(bytes: &[u8], at: usize, halves: Halves) -> Result<(usize, bool), SyntaxError> {
    // Most keys and values end within two words.
    match find_special_near(bytes, at) {
        Ok(near) if bytes.get(near) == Some(&b'"') => Ok((near + 1, false)),
        Ok(from) | Err(from) => skip_long_string(bytes, from, halves),
    }
}

#[inline(never)]
fn skip_long_string(
    bytes: &[u8],
    mut at: usize,
    halves: Halves,
) -> Result<(usize, bool), SyntaxError> {
    let mut escaped = false;
    loop {
        at = find_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => at = skip_escape(bytes, at, halves)?,
            Some(_) => return Err(SyntaxError::new(at, "control character in a string")),
            None => return Err(SyntaxError::new(at, "unterminated string")),
        }
        // The pieces of a stream seldom have more than one; prose has another soon.
        if escaped {
            at = skip_blocks(bytes, at, halves)?;
        }
        escaped = true;
    }
}

#[inline]
fn skip_word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, SyntaxError> {
    if !bytes[at..].starts_with(word) {
        return Err(error_at(bytes, at, "expected a value"));
    }
    Ok(at + word.len())
}

#[inline]
fn skip_number(bytes: &[u8], mut at: usize) -> Result<usize, SyntaxError> {
    at += usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        _ => skip_digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = skip_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = skip_digits(bytes, at)?;
    }
    Ok(at)
}

#[inline]
fn skip_digits(bytes: &[u8], start: usize) -> Result<usize, SyntaxError> {
    let mut at = start;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at == start {
        return Err(error_at(bytes, at, "expected a digit"));
    }
    Ok(at)
}

#[cold]
#[inline(never)]
fn error_at(bytes: &[u8], at: usize, reason: &'static str) -> SyntaxError {
    if at >= bytes.len() {
        return SyntaxError::new(bytes.len(), "unexpected end");
    }
    SyntaxError::new(at, reason)
}

#[cold]
const fn after_value(in_object: bool) -> &'static str {
    if in_object {
        "expected a comma or a brace"
    } else {
        "expected a comma or a bracket"
    }
}

/// How much text the string `inner` is; its member's name starts at `key`.
#[inline]
fn text_bytes(bytes: &[u8], key: usize, inner: Range<usize>) -> usize {
    if inner.len() >= MIN_ENCODED && is_encoded(bytes, key, inner.clone()) {
        return 0;
    }
    inner.len()
}

/// Whether a long string is binary data in disguise, of which no model reads a token a word: a
/// data URL, or base64 under the key that Anthropic, Gemini and OpenAI's audio use.
#[cold]
#[inline(never)]
fn is_encoded(bytes: &[u8], key: usize, inner: Range<usize>) -> bool {
    let inner = &bytes[inner];
    let start = &inner[..inner.len().min(128)];
    if start.starts_with(b"data:") {
        return memchr::memmem::find(start, b";base64,").is_some();
    }
    bytes[key..].starts_with(b"data\"")
        && start
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=\\".contains(byte))
}

const MIN_ENCODED: usize = 64;
