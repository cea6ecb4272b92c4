use std::fmt;

use serde_json::Value;

use super::Extra;

/// One piece of a message, with what may stand beside any kind of piece.
///
/// ```
/// use aisix_core::conversation::Part;
///
/// let part = Part::text("hello");
/// assert_eq!(part.as_text(), Some("hello"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// The vendor's proof that it wrote this piece, to be sent back untouched.
    pub signature: Option<String>,
    /// Where a cached prefix may end: after this piece.
    pub cache: Option<CacheHint>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// The kinds of pieces.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartKind {
    /// Text.
    Text(String),
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A document.
    File(Media),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult(ToolResult),
    /// What the model thought.
    Reasoning(Reasoning),
    /// Why the model does not answer.
    Refusal(String),
    /// A piece that only its own wire format knows.
    Opaque(Opaque),
}

/// A picture, sound or document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// Where its bytes are.
    pub source: Source,
    /// Its MIME type, where known.
    pub media_type: Option<String>,
    /// How closely to look at it, in the vendor's word.
    pub detail: Option<String>,
    /// The name of the file.
    pub name: Option<String>,
}

/// Where the bytes of a [`Media`] are.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Behind an address that the vendor fetches.
    Url(String),
    /// Here, in Base64 as they came.
    Base64(String),
    /// Here, as plain text.
    Text(String),
    /// At the vendor, under this id.
    Id(String),
}

/// The model calls a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolCall {
    /// Whether the tool takes JSON or text.
    pub kind: ToolCallKind,
    /// The id that the result has to name.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The arguments as the model wrote them; for a function JSON by intention, not by proof.
    pub arguments: String,
}

/// What a tool takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToolCallKind {
    /// A JSON object.
    #[default]
    Function,
    /// Free text.
    Custom,
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolResult {
    /// The id of the call.
    pub call_id: String,
    /// The name of the tool, where the wire format says it.
    pub name: Option<String>,
    /// The answer.
    pub content: Vec<Part>,
    /// Whether the tool failed, where the wire format says it.
    pub is_error: Option<bool>,
}

/// What the model thought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reasoning {
    /// The thoughts, as far as they are shown.
    pub text: String,
    /// Whether the text is a summary of the thoughts.
    pub is_summary: bool,
    /// The thoughts in a form that only the vendor can read.
    pub sealed: Option<String>,
    /// The vendor's id of this piece.
    pub id: Option<String>,
}

/// A piece that only its own wire format knows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Opaque {
    /// The dialect that wrote it.
    pub origin: &'static str,
    /// The piece as it came.
    pub value: Value,
}

/// A cached prefix may end here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheHint {
    /// How long it should live, in the vendor's word: `5m`, `1h`.
    pub ttl: Option<String>,
}

// === impl Part ===

impl Part {
    /// A piece of `kind` with nothing beside it.
    #[must_use]
    pub fn new(kind: PartKind) -> Self {
        Self {
            kind,
            signature: None,
            cache: None,
            extra: Extra::default(),
        }
    }

    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartKind::Text(text.into()))
    }

    /// A picture behind an address.
    #[must_use]
    pub fn image_url(url: impl Into<String>) -> Self {
        Self::new(PartKind::Image(Media::new(Source::Url(url.into()))))
    }

    /// A picture, in Base64.
    #[must_use]
    pub fn image(media_type: impl Into<String>, base64: impl Into<String>) -> Self {
        let media = Media::new(Source::Base64(base64.into())).with_media_type(media_type);
        Self::new(PartKind::Image(media))
    }

    /// A call of a function.
    #[must_use]
    pub fn tool_call(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        Self::new(PartKind::ToolCall(ToolCall::new(id, name, arguments)))
    }

    /// What a tool answered, as text.
    #[must_use]
    pub fn tool_result(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        let result = ToolResult::new(call_id, vec![Self::text(text)]);
        Self::new(PartKind::ToolResult(result))
    }

    /// What the model thought.
    #[must_use]
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::new(PartKind::Reasoning(Reasoning::new(text)))
    }

    /// Adds the vendor's proof.
    #[must_use]
    pub fn with_signature(mut self, signature: impl Into<String>) -> Self {
        self.signature = Some(signature.into());
        self
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            PartKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its texts: its own, or those that a tool answered with.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (own, inner) = match &self.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => (Some(text.as_str()), None),
            PartKind::ToolResult(result) => (None, Some(&result.content)),
            _ => (None, None),
        };
        own.into_iter()
            .chain(inner.into_iter().flatten().filter_map(Self::as_text))
    }

    /// The same, to change them in place.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let (own, inner) = match &mut self.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => (Some(text), None),
            PartKind::ToolResult(result) => (None, Some(&mut result.content)),
            _ => (None, None),
        };
        own.into_iter().chain(
            inner
                .into_iter()
                .flatten()
                .filter_map(|part| match &mut part.kind {
                    PartKind::Text(text) => Some(text),
                    _ => None,
                }),
        )
    }

    /// The call, if it is one.
    #[must_use]
    pub fn as_tool_call(&self) -> Option<&ToolCall> {
        match &self.kind {
            PartKind::ToolCall(call) => Some(call),
            _ => None,
        }
    }

    /// The result, if it is one.
    #[must_use]
    pub fn as_tool_result(&self) -> Option<&ToolResult> {
        match &self.kind {
            PartKind::ToolResult(result) => Some(result),
            _ => None,
        }
    }

    /// The thoughts, if it is one.
    #[must_use]
    pub fn as_reasoning(&self) -> Option<&Reasoning> {
        match &self.kind {
            PartKind::Reasoning(reasoning) => Some(reasoning),
            _ => None,
        }
    }
}

impl From<PartKind> for Part {
    fn from(kind: PartKind) -> Self {
        Self::new(kind)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

// === impl Media, Source ===

impl Media {
    /// Bytes from `source`, of no known type.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            media_type: None,
            detail: None,
            name: None,
        }
    }

    /// Reads an address; a plain `data:<type>;base64,<bytes>` one becomes its bytes.
    ///
    /// ```
    /// use aisix_core::conversation::{Media, Source};
    ///
    /// let media = Media::from_url("data:image/png;base64,iVBO");
    /// assert_eq!(media.source, Source::Base64("iVBO".into()));
    /// assert_eq!(media.to_url().as_deref(), Some("data:image/png;base64,iVBO"));
    /// ```
    #[must_use]
    pub fn from_url(url: &str) -> Self {
        let inline = url
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"))
            // With parameters of the type the URL is not rebuilt from its two halves.
            .filter(|(media_type, _)| !media_type.is_empty() && !media_type.contains([';', ',']));
        match inline {
            Some((media_type, data)) => {
                Self::new(Source::Base64(data.to_owned())).with_media_type(media_type)
            }
            None => Self::new(Source::Url(url.to_owned())),
        }
    }

    /// The address, or the bytes as a `data:` address if their type is known.
    #[must_use]
    pub fn to_url(&self) -> Option<String> {
        match (&self.source, &self.media_type) {
            (Source::Url(url), _) => Some(url.clone()),
            (Source::Base64(data), Some(media_type)) => {
                Some(format!("data:{media_type};base64,{data}"))
            }
            _ => None,
        }
    }

    /// Says the MIME type.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Names the file.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl fmt::Debug for Source {
    /// Shows how long inline bytes are, not the megabytes themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) if url.starts_with("data:") => {
                write!(f, "Url(data: of {} bytes)", url.len())
            }
            Self::Url(url) => f.debug_tuple("Url").field(url).finish(),
            Self::Base64(data) => write!(f, "Base64({} bytes)", data.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Id(id) => f.debug_tuple("Id").field(id).finish(),
        }
    }
}

// === impl ToolCall, ToolResult, Reasoning, Opaque, CacheHint ===

impl ToolCall {
    /// A call of a function.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        Self {
            kind: ToolCallKind::Function,
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    /// Says what the tool takes.
    #[must_use]
    pub fn with_kind(mut self, kind: ToolCallKind) -> Self {
        self.kind = kind;
        self
    }
}

impl ToolResult {
    /// The answer to the call `call_id`.
    #[must_use]
    pub fn new(call_id: impl Into<String>, content: Vec<Part>) -> Self {
        Self {
            call_id: call_id.into(),
            content,
            ..Self::default()
        }
    }
}

impl Reasoning {
    /// Thoughts that are shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Thoughts that only the vendor can read.
    #[must_use]
    pub fn sealed(data: impl Into<String>) -> Self {
        Self {
            sealed: Some(data.into()),
            ..Self::default()
        }
    }
}

impl Opaque {
    /// A piece of the dialect `origin`.
    #[must_use]
    pub fn new(origin: &'static str, value: Value) -> Self {
        Self { origin, value }
    }
}

impl CacheHint {
    /// With the vendor's own lifetime.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a lifetime in the vendor's word.
    #[must_use]
    pub fn with_ttl(mut self, ttl: impl Into<String>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_url_with_parameters_is_left_alone() {
        let url = "data:text/plain;charset=utf-8;base64,aGk=";
        let media = Media::from_url(url);
        assert_eq!(media.source, Source::Url(url.to_owned()));
        assert_eq!(media.to_url().as_deref(), Some(url));
    }

    #[test]
    fn inline_bytes_are_not_printed() {
        let media = Media::from_url("data:image/png;base64,iVBORw0KGgo");
        assert!(!format!("{media:?}").contains("iVBO"));
    }
}
