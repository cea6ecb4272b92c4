use std::fmt;

use crate::dialect::{self, DialectId};

/// What a caller asks for. In which dialect, and whether it wants a stream, are properties of the
/// request, not other operations: what holds for a chat holds for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// An answer to a conversation, in any dialect: `POST /v1/chat/completions`, `/v1/messages`,
    /// `/v1/responses`, `/v1/completions`.
    Chat,
    /// How many tokens a conversation has: `POST /v1/messages/count_tokens`.
    CountTokens,
    /// Vectors for texts: `POST /v1/embeddings`.
    Embeddings,
    /// The models that the caller may use: `GET /v1/models`.
    ListModels,
    /// One of them: `GET /v1/models/{id}`.
    RetrieveModel,
    /// A path or a method that the gateway does not answer; it takes the way of every other call,
    /// so that hooks at the edge see it, and ends in an error.
    Unknown,
}

impl Operation {
    /// Every operation that a path leads to.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::CountTokens,
        Self::Embeddings,
        Self::ListModels,
        Self::RetrieveModel,
    ];

    /// The name in traces and logs, `gen_ai.operation.name` where OpenTelemetry has one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::CountTokens => "count_tokens",
            Self::Embeddings => "embeddings",
            Self::ListModels => "list_models",
            Self::RetrieveModel => "retrieve_model",
            Self::Unknown => "unknown",
        }
    }

    /// The dialect in which it is asked for unless the path says otherwise.
    #[must_use]
    pub const fn dialect(self) -> DialectId {
        match self {
            Self::Embeddings => dialect::OPENAI_EMBEDDINGS,
            Self::CountTokens => dialect::ANTHROPIC_COUNT_TOKENS,
            Self::Chat | Self::ListModels | Self::RetrieveModel | Self::Unknown => {
                dialect::OPENAI_CHAT
            }
        }
    }

    /// Whether it names a model in a body.
    #[must_use]
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Chat | Self::CountTokens | Self::Embeddings)
    }

    /// Whether a model works for it: then it is limited, metered and billed.
    #[must_use]
    pub const fn is_inference(self) -> bool {
        matches!(self, Self::Chat | Self::Embeddings)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
