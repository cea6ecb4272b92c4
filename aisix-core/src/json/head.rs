use std::ops::Range;

use bytes::Bytes;

use super::cursor::Cursor;
use super::lexer::{Lexer, check_utf8};
use super::raw::Raw;
use super::splice::Edit;
use super::string::{Halves, write_string};
use crate::error::{Error, Result};

/// What the gateway reads of every request, from one pass that also proves the body to be JSON.
///
/// A member that is read here must not come twice: what the gateway checks and what the upstream
/// obeys would differ.
///
/// ```
/// use aisix_core::json::{Field, Head, Presence};
///
/// let head = Head::scan(br#"{"model":"gpt-4o","max_tokens":9,"messages":[]}"#)?;
/// assert_eq!((head.model(), head.max_tokens()), (Some("gpt-4o"), Some(9)));
/// assert_eq!(head.has_items(Field::Messages), Presence::Empty);
///
/// let twice = Head::scan(br#"{"model":"allowed","mod\u0065l":"other"}"#).unwrap_err();
/// assert_eq!((twice.status().as_u16(), twice.param()), (400, Some("model")));
/// # Ok::<_, aisix_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Head {
    model: Option<(Box<str>, Range<usize>)>,
    stream: bool,
    /// By the order in which they count.
    max_tokens: [Option<u64>; 3],
    stream_options: Option<StreamOptions>,
    fields: [Presence; 4],
    insert_at: usize,
    is_empty: bool,
    text_bytes: usize,
}

/// A member that holds what the model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// `messages`: OpenAI's chat, Anthropic.
    Messages,
    /// `input`: OpenAI's embeddings and responses.
    Input,
    /// `prompt`: OpenAI's completions and images.
    Prompt,
    /// `contents`: Gemini.
    Contents,
}

impl Field {
    /// The name of the member.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        READ[self as usize]
    }
}

/// Whether a member is there and holds anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fourth possibility")]
pub enum Presence {
    /// Absent, or `null`.
    #[default]
    Missing,
    /// An array, an object or a string with nothing in it.
    Empty,
    /// Anything else.
    Present,
}

#[derive(Clone, Debug)]
struct StreamOptions {
    span: Range<usize>,
    kind: Options,
    include_usage: Option<(bool, Range<usize>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Options {
    Null,
    EmptyObject,
    Object,
}

// === impl Head ===

impl Head {
    /// Reads the head of `bytes`, which must be one JSON object.
    ///
    /// # Errors
    ///
    /// Fails with 400, and with the parameter where one is at fault: no JSON, no object, a member
    /// that is read here and comes twice, or one of the wrong type.
    pub fn scan(bytes: &[u8]) -> Result<Self> {
        let mut lexer = Lexer::new(check_utf8(bytes)?, Halves::Refuse);
        let mut cursor = Cursor::over(lexer.clone());
        if !lexer.take(b'{') {
            return Err(lexer.error("expected an object").into());
        }
        let mut head = Self {
            insert_at: lexer.at(),
            is_empty: true,
            ..Self::default()
        };
        let mut seen = 0;
        cursor.members(|name, value| head.read(name, value, &mut seen))?;
        head.text_bytes = cursor.lexer().text_bytes();
        cursor.end()?;
        Ok(head)
    }

    /// The model's name; it may be empty.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|(name, _)| &**name)
    }

    /// Where the model's name stands, with its quotes.
    #[must_use]
    pub fn model_span(&self) -> Option<Range<usize>> {
        self.model.as_ref().map(|(_, span)| span.clone())
    }

    /// Whether a stream is asked for; not when `stream` is absent or `null`.
    #[must_use]
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// The most tokens that the answer may have: `max_completion_tokens`, else `max_tokens`, else
    /// `max_output_tokens`. A negative one, by which some servers mean no limit, is none.
    #[must_use]
    pub fn max_tokens(&self) -> Option<u64> {
        self.max_tokens.iter().find_map(|limit| *limit)
    }

    /// `stream_options.include_usage`, false when only it is absent; `None` without
    /// `stream_options`.
    #[must_use]
    pub fn include_usage(&self) -> Option<bool> {
        let options = self.stream_options.as_ref()?;
        if options.kind == Options::Null {
            return None;
        }
        Some(options.include_usage.as_ref().is_some_and(|(on, _)| *on))
    }

    /// Where the value of `stream_options` stands.
    #[must_use]
    pub fn stream_options_span(&self) -> Option<Range<usize>> {
        self.stream_options
            .as_ref()
            .map(|options| options.span.clone())
    }

    /// Whether `field` is there and holds anything.
    #[must_use]
    pub const fn has_items(&self, field: Field) -> Presence {
        self.fields[field as usize]
    }

    /// Just behind the opening brace: where a member can be inserted, followed by a comma unless
    /// [`is_empty_object`](Self::is_empty_object).
    #[must_use]
    pub const fn insert_at(&self) -> usize {
        self.insert_at
    }

    /// Whether the body has no member.
    #[must_use]
    pub const fn is_empty_object(&self) -> bool {
        self.is_empty
    }

    /// How many bytes of text the body holds, from which tokens can be estimated: all strings that
    /// are no keys, without base64 data.
    #[must_use]
    pub const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// The edit that asks for `model`, in place of the one asked for if there is one.
    #[must_use]
    pub fn edit_model(&self, model: &str) -> Edit {
        let mut out = Vec::with_capacity(model.len() + 11);
        if let Some(span) = self.model_span() {
            write_string(&mut out, model);
            return Edit::new(span, out);
        }
        out.extend_from_slice(b"\"model\":");
        write_string(&mut out, model);
        self.insert(out)
    }

    /// The edit that turns `stream_options.include_usage` on and keeps the other options; `None`
    /// when it is on.
    #[must_use]
    pub fn edit_include_usage(&self) -> Option<Edit> {
        const MEMBER: &str = r#""stream_options":{"include_usage":true}"#;
        let Some(options) = &self.stream_options else {
            return Some(self.insert(MEMBER.into()));
        };
        let inside = options.span.start + 1;
        Some(match (&options.include_usage, options.kind) {
            (Some((true, _)), _) => return None,
            (Some((false, span)), _) => Edit::new(span.clone(), "true"),
            (None, Options::Object) => Edit::new(inside..inside, r#""include_usage":true,"#),
            (None, Options::EmptyObject) => Edit::new(inside..inside, r#""include_usage":true"#),
            (None, Options::Null) => Edit::new(options.span.clone(), r#"{"include_usage":true}"#),
        })
    }

    fn insert(&self, mut member: Vec<u8>) -> Edit {
        if !self.is_empty {
            member.push(b',');
        }
        Edit::new(self.insert_at..self.insert_at, Bytes::from(member))
    }

    fn read(&mut self, name: &str, value: &mut Cursor<'_>, seen: &mut u16) -> Result<()> {
        self.is_empty = false;
        let Some(index) = READ.iter().position(|read| *read == name) else {
            return Ok(());
        };
        let name = READ[index];
        if *seen & 1 << index != 0 {
            return Err(duplicate(name));
        }
        *seen |= 1 << index;
        let raw = value.raw()?;
        match name {
            "model" => {
                let model = raw.to_text().ok_or_else(|| wrong_type(name, "a string"))?;
                self.model = Some((model.into(), raw.span()));
            }
            "stream" => self.stream = to_flag(&raw, name)?,
            "stream_options" => self.stream_options = Some(StreamOptions::read(&raw)?),
            "max_completion_tokens" => self.max_tokens[0] = to_limit(&raw, name)?,
            "max_tokens" => self.max_tokens[1] = to_limit(&raw, name)?,
            "max_output_tokens" => self.max_tokens[2] = to_limit(&raw, name)?,
            _ => self.fields[index] = to_presence(&raw),
        }
        Ok(())
    }
}

// === impl StreamOptions ===

impl StreamOptions {
    fn read(raw: &Raw<'_>) -> Result<Self> {
        let mut options = Self {
            span: raw.span(),
            kind: Options::Null,
            include_usage: None,
        };
        if raw.is_null() {
            return Ok(options);
        }
        let members = raw
            .members()
            .ok_or_else(|| wrong_type("stream_options", "an object"))?;
        options.kind = Options::EmptyObject;
        for member in members {
            let member = member?;
            options.kind = Options::Object;
            if member.key == "include_usage" {
                let on = to_flag(&member.raw(), "stream_options.include_usage")?;
                let first = options.include_usage.replace((on, member.value));
                if first.is_some() {
                    return Err(duplicate("stream_options.include_usage"));
                }
            }
        }
        Ok(options)
    }
}

/// Every member that is read; the first four in the order of [`Field`].
const READ: [&str; 10] = [
    "messages",
    "input",
    "prompt",
    "contents",
    "model",
    "stream",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "max_output_tokens",
];

fn to_flag(raw: &Raw<'_>, name: &'static str) -> Result<bool> {
    if raw.is_null() {
        return Ok(false);
    }
    raw.to_bool().ok_or_else(|| wrong_type(name, "a boolean"))
}

fn to_limit(raw: &Raw<'_>, name: &'static str) -> Result<Option<u64>> {
    if raw.is_null() {
        return Ok(None);
    }
    if let Some(limit) = raw.to_u64() {
        return Ok(Some(limit));
    }
    match raw.to_f64() {
        Some(limit) if limit == limit.trunc() => Ok((limit >= 0.0).then_some(limit as u64)),
        _ => Err(wrong_type(name, "an integer")),
    }
}

fn to_presence(raw: &Raw<'_>) -> Presence {
    if raw.is_null() {
        Presence::Missing
    } else if raw.is_empty() {
        Presence::Empty
    } else {
        Presence::Present
    }
}

#[cold]
fn wrong_type(name: &'static str, wanted: &str) -> Error {
    Error::invalid_request(format!("`{name}` must be {wanted}.")).with_param(name)
}

#[cold]
fn duplicate(name: &'static str) -> Error {
    Error::invalid_request(format!("`{name}` must not be given twice.")).with_param(name)
}
