use std::fmt;

use crate::dialect::{self, DialectId};

/// What a caller asks for; whether it wants a stream is a property of the request, not another
/// operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// An answer to a conversation: `POST /v1/chat/completions`.
    Chat,
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
    pub const ALL: [Self; 4] = [
        Self::Chat,
        Self::Embeddings,
        Self::ListModels,
        Self::RetrieveModel,
    ];

    /// The name in traces and logs, `gen_ai.operation.name` where OpenTelemetry has one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
            Self::ListModels => "list_models",
            Self::RetrieveModel => "retrieve_model",
            Self::Unknown => "unknown",
        }
    }

    /// The route template, a label of metrics and logs.
    #[must_use]
    pub const fn route(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::ListModels => "/v1/models",
            Self::RetrieveModel => "/v1/models/{id}",
            Self::Unknown => "unknown",
        }
    }

    /// The path below the `/v1` of an OpenAI-compatible vendor.
    #[must_use]
    pub const fn openai_path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Embeddings => "embeddings",
            Self::ListModels | Self::RetrieveModel => "models",
            Self::Unknown => "",
        }
    }

    /// The dialect that callers of this operation speak.
    #[must_use]
    pub const fn dialect(self) -> DialectId {
        match self {
            Self::Embeddings => dialect::OPENAI_EMBEDDINGS,
            Self::Chat | Self::ListModels | Self::RetrieveModel | Self::Unknown => {
                dialect::OPENAI_CHAT
            }
        }
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
