use super::{Extra, Usage};

/// Asks for vectors that stand for texts.
///
/// ```
/// use aisix_core::conversation::EmbeddingsRequest;
///
/// let request = EmbeddingsRequest::new("text-embedding-3-small", ["a", "b"]);
/// assert_eq!(request.input.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EmbeddingsRequest {
    /// The model, in the caller's name for it.
    pub model: String,
    /// What to embed.
    pub input: EmbeddingInput,
    /// How many numbers a vector should have.
    pub dimensions: Option<u32>,
    /// How the caller wants the vectors spelled; `None` where it did not say.
    pub encoding: Option<EmbeddingEncoding>,
    /// The end user, as the caller names them.
    pub user: Option<String>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// What to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmbeddingInput {
    /// One text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// One text that is already cut into the model's tokens.
    Tokens(Vec<u32>),
    /// Several such texts.
    TokenLists(Vec<Vec<u32>>),
}

/// How a vector is spelled in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EmbeddingEncoding {
    /// A list of numbers.
    #[default]
    Float,
    /// Base64 of little-endian 32-bit floats.
    Base64,
}

/// The vectors that were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EmbeddingsResponse {
    /// The model that answered.
    pub model: String,
    /// The vectors, one for each text.
    pub data: Vec<Embedding>,
    /// How the caller asked to have the vectors spelled.
    pub encoding: EmbeddingEncoding,
    /// What it cost, where the vendor says.
    pub usage: Option<Usage>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// One vector.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Embedding {
    /// The place of its text in the request.
    pub index: u32,
    /// The numbers.
    pub vector: Vec<f32>,
    /// What only one wire format says.
    pub extra: Extra,
}

impl EmbeddingsRequest {
    /// Asks `model` to embed `texts`.
    #[must_use]
    pub fn new<T: Into<String>>(
        model: impl Into<String>,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts = texts.into_iter().map(Into::into).collect();
        Self::with_input(model, EmbeddingInput::Texts(texts))
    }

    /// Asks `model` to embed `input`.
    #[must_use]
    pub fn with_input(model: impl Into<String>, input: EmbeddingInput) -> Self {
        Self {
            model: model.into(),
            input,
            dimensions: None,
            encoding: None,
            user: None,
            extra: Extra::default(),
        }
    }
}

impl EmbeddingInput {
    /// How many vectors it asks for.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(_) | Self::Tokens(_) => 1,
            Self::Texts(texts) => texts.len(),
            Self::TokenLists(lists) => lists.len(),
        }
    }

    /// Whether it asks for none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl EmbeddingsResponse {
    /// Vectors of `model`, in the order of the request.
    #[must_use]
    pub fn new(model: impl Into<String>, vectors: impl IntoIterator<Item = Vec<f32>>) -> Self {
        let data = (0..)
            .zip(vectors)
            .map(|(index, vector)| Embedding::new(index, vector))
            .collect();
        Self {
            model: model.into(),
            data,
            ..Self::default()
        }
    }

    /// Spells the vectors as the caller asked.
    #[must_use]
    pub fn with_encoding(mut self, encoding: EmbeddingEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Says what it cost.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// What it cost; nothing where the vendor did not say.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage.unwrap_or_default()
    }
}

impl Embedding {
    /// The vector of the text at `index`.
    #[must_use]
    pub fn new(index: u32, vector: Vec<f32>) -> Self {
        Self {
            index,
            vector,
            extra: Extra::default(),
        }
    }
}
