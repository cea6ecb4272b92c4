use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::conversation::{ChatRequest, EmbeddingsRequest};
use crate::dialect::{Dialect, DialectId, TargetModel};
use crate::error::{Error, Result};
use crate::json::{Head, Presence};

/// The body of a request: the caller's bytes, a head from one cheap pass over them, and the typed
/// conversation, parsed when it is first asked for, and once.
///
/// A body that did not arrive, or that is no valid request, is a payload too: it takes the same
/// way through the hooks, so that authentication speaks before validation, and [`Payload::head`]
/// says what is wrong with it.
#[derive(Clone)]
pub struct Payload {
    dialect: &'static dyn Dialect,
    body: Arc<Body>,
}

struct Body {
    bytes: Bytes,
    head: Result<Head>,
    chat: OnceLock<ChatRequest>,
}

impl Payload {
    /// Reads the head of `bytes`, a request in `dialect`.
    #[must_use]
    pub fn new(dialect: &'static dyn Dialect, bytes: Bytes) -> Self {
        let head = Head::scan(&bytes).and_then(|head| check(dialect, head));
        Self::from_parts(dialect, bytes, head)
    }

    /// A body that could not be had.
    #[must_use]
    pub fn failed(dialect: &'static dyn Dialect, error: Error) -> Self {
        Self::from_parts(dialect, Bytes::new(), Err(error))
    }

    /// No body, for requests that have none.
    #[must_use]
    pub fn none(dialect: &'static dyn Dialect) -> Self {
        Self::failed(dialect, Error::invalid_request("The request has no body."))
    }

    /// Writes `request` in `dialect`.
    ///
    /// # Errors
    ///
    /// The dialect cannot express the request.
    pub fn from_chat(dialect: &'static dyn Dialect, request: ChatRequest) -> Result<Self> {
        let codec = dialect.chat().ok_or_else(|| no_conversation(dialect))?;
        let target = TargetModel::new(&request.model);
        let (bytes, _carry) = codec.write_request(&request, &target)?;
        let payload = Self::new(dialect, bytes);
        payload.head()?;
        // What was written from the conversation reads as it.
        drop(payload.body.chat.set(request));
        Ok(payload)
    }

    /// Writes `request` in `dialect`.
    ///
    /// # Errors
    ///
    /// The dialect cannot express the request.
    pub fn from_embeddings(
        dialect: &'static dyn Dialect,
        request: &EmbeddingsRequest,
    ) -> Result<Self> {
        let codec = dialect
            .embeddings()
            .ok_or_else(|| no_conversation(dialect))?;
        let bytes = codec.write_request(request, &TargetModel::new(&request.model))?;
        let payload = Self::new(dialect, bytes);
        payload.head()?;
        Ok(payload)
    }

    /// The dialect that the bytes are in.
    #[must_use]
    pub fn dialect(&self) -> DialectId {
        self.dialect.id()
    }

    /// The codec of that dialect.
    #[must_use]
    pub fn codec(&self) -> &'static dyn Dialect {
        self.dialect
    }

    /// The bytes as they came, or as they were last written.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body.bytes
    }

    /// What every request needs of its body.
    ///
    /// # Errors
    ///
    /// What is wrong with the body.
    pub fn head(&self) -> Result<&Head> {
        self.body.head.as_ref().map_err(Clone::clone)
    }

    /// The model that the body names.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.body.head.as_ref().ok().and_then(Head::model)
    }

    /// The tokens of the input, guessed from its length where nobody has counted them.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        // Four bytes a token is the vendors' own rule of thumb for English text.
        self.body
            .head
            .as_ref()
            .map_or(0, |head| (head.text_bytes() as u64).div_ceil(4))
    }

    /// The typed conversation.
    ///
    /// # Errors
    ///
    /// The body is no conversation.
    pub fn chat(&self) -> Result<&ChatRequest> {
        if let Some(chat) = self.body.chat.get() {
            return Ok(chat);
        }
        self.head()?;
        let chat = match (self.dialect.chat(), self.dialect.token_count()) {
            (Some(codec), _) => codec.read_request(&self.body.bytes)?,
            (None, Some(codec)) => codec.read_request(&self.body.bytes)?,
            (None, None) => return Err(no_conversation(self.dialect)),
        };
        Ok(self.body.chat.get_or_init(|| chat))
    }

    /// The typed request for embeddings; it is not kept.
    ///
    /// # Errors
    ///
    /// The body is no request for embeddings.
    pub fn embeddings(&self) -> Result<EmbeddingsRequest> {
        self.head()?;
        let codec = self
            .dialect
            .embeddings()
            .ok_or_else(|| no_conversation(self.dialect))?;
        codec.read_request(&self.body.bytes)
    }

    /// Changes the conversation and writes it anew.
    ///
    /// # Errors
    ///
    /// As [`Payload::chat`] and [`Payload::from_chat`].
    pub fn edit_chat(&mut self, edit: impl FnOnce(&mut ChatRequest)) -> Result<()> {
        let mut chat = self.chat()?.clone();
        edit(&mut chat);
        *self = Self::from_chat(self.dialect, chat)?;
        Ok(())
    }

    fn from_parts(dialect: &'static dyn Dialect, bytes: Bytes, head: Result<Head>) -> Self {
        Self {
            dialect,
            body: Arc::new(Body {
                bytes,
                head,
                chat: OnceLock::new(),
            }),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is the caller's own affair.
        f.debug_struct("Payload")
            .field("dialect", &self.dialect.id())
            .field("len", &self.body.bytes.len())
            .field("model", &self.model())
            .finish_non_exhaustive()
    }
}

/// What a request must have, said before any upstream is asked.
fn check(dialect: &dyn Dialect, head: Head) -> Result<Head> {
    let missing = |param: &'static str| {
        Error::invalid_request(format!("Missing required parameter: '{param}'."))
            .with_param(param)
            .with_code("missing_required_parameter")
    };
    match head.model() {
        None => return Err(missing("model")),
        Some("") => {
            return Err(Error::invalid_request("'model' must not be empty.").with_param("model"));
        }
        Some(_) => {}
    }
    let Some(field) = dialect.input() else {
        return Ok(head);
    };
    let param = field.as_str();
    match head.has_items(field) {
        Presence::Missing => Err(missing(param)),
        Presence::Empty => Err(
            Error::invalid_request(format!("'{param}' must not be empty."))
                .with_param(param)
                .with_code("empty_array"),
        ),
        Presence::Present => Ok(head),
    }
}

fn no_conversation(dialect: &dyn Dialect) -> Error {
    Error::internal(format!(
        "the dialect {} does not read this operation",
        dialect.id()
    ))
}
