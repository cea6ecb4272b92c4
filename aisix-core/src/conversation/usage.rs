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

    /// These counts with what `later` counts anew: counts of a stream are cumulative, and some are
    /// told only once.
    ///
    /// ```
    /// use aisix_core::conversation::Usage;
    ///
    /// let begun = Usage::new(120, 1).with_cached_input_tokens(100);
    /// let ended = begun.updated_by(&Usage::new(0, 30));
    /// assert_eq!((ended.input_tokens, ended.output_tokens), (120, 30));
    /// assert_eq!(ended.cached_input_tokens, 100);
    /// ```
    #[must_use]
    pub const fn updated_by(self, later: &Self) -> Self {
        const fn newer(known: u64, later: u64) -> u64 {
            if later == 0 { known } else { later }
        }

        const fn untold(known: u64, later: u64) -> u64 {
            if later == 0 { known } else { 0 }
        }

        // The whole input does not shrink: less of it is what was in no cache, told again by a
        // vendor that counts the caches apart, and tells of them once.
        let input_tokens = if later.input_tokens < self.input_tokens && later.input_tokens > 0 {
            later
                .input_tokens
                .saturating_add(untold(self.cached_input_tokens, later.cached_input_tokens))
                .saturating_add(untold(self.cache_write_tokens, later.cache_write_tokens))
        } else {
            newer(self.input_tokens, later.input_tokens)
        };
        Self {
            input_tokens,
            output_tokens: newer(self.output_tokens, later.output_tokens),
            cached_input_tokens: newer(self.cached_input_tokens, later.cached_input_tokens),
            cache_write_tokens: newer(self.cache_write_tokens, later.cache_write_tokens),
            reasoning_tokens: newer(self.reasoning_tokens, later.reasoning_tokens),
            input_audio_tokens: newer(self.input_audio_tokens, later.input_audio_tokens),
            output_audio_tokens: newer(self.output_audio_tokens, later.output_audio_tokens),
        }
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
