/// The tokens that one call cost.
///
/// `input_tokens` includes what was read from and written to a cache; `output_tokens` includes the
/// reasoning. Wire formats that count otherwise are converted by their dialect.
///
/// ```
/// use aisix_core::conversation::Usage;
///
/// let usage = Usage::new(120, 30).with_cached_input_tokens(100);
/// assert_eq!(usage.total(), 150);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// All tokens of the prompt.
    pub input_tokens: u64,
    /// All tokens of the answer.
    pub output_tokens: u64,
    /// The part of the input that was read from a cache.
    pub cached_input_tokens: u64,
    /// The part of the input that was written to a cache.
    pub cache_write_tokens: u64,
    /// The part of the output that was reasoning.
    pub reasoning_tokens: u64,
    /// The part of the input that was audio.
    pub input_audio_tokens: u64,
    /// The part of the output that was audio.
    pub output_audio_tokens: u64,
}

impl Usage {
    /// Counts of the prompt and of the answer, with no details.
    #[must_use]
    pub const fn new(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens,
            output_tokens,
            cached_input_tokens: 0,
            cache_write_tokens: 0,
            reasoning_tokens: 0,
            input_audio_tokens: 0,
            output_audio_tokens: 0,
        }
    }

    /// Says how much of the input was read from a cache.
    #[must_use]
    pub const fn with_cached_input_tokens(mut self, tokens: u64) -> Self {
        self.cached_input_tokens = tokens;
        self
    }

    /// Says how much of the input was written to a cache.
    #[must_use]
    pub const fn with_cache_write_tokens(mut self, tokens: u64) -> Self {
        self.cache_write_tokens = tokens;
        self
    }

    /// Says how much of the output was reasoning.
    #[must_use]
    pub const fn with_reasoning_tokens(mut self, tokens: u64) -> Self {
        self.reasoning_tokens = tokens;
        self
    }

    /// Input and output together. Saturates, since the counts come from outside.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}
