//! Vendors that speak as OpenAI does: one line each.

use crate::OpenAi;

/// A vendor's name in the configuration, and where it is found.
const VENDORS: &[(&str, &str)] = &[
    ("cerebras", "https://api.cerebras.ai/v1"),
    ("fireworks", "https://api.fireworks.ai/inference/v1"),
    ("groq", "https://api.groq.com/openai/v1"),
    ("moonshot", "https://api.moonshot.ai/v1"),
    ("ollama", "http://127.0.0.1:11434/v1"),
    ("openrouter", "https://openrouter.ai/api/v1"),
    ("perplexity", "https://api.perplexity.ai"),
    ("together", "https://api.together.xyz/v1"),
    ("xai", "https://api.x.ai/v1"),
];

/// The vendors that are known by name.
pub fn vendors() -> impl Iterator<Item = OpenAi> {
    let mistral =
        // Tells the usage of every stream, and refuses fields that it does not know.
        OpenAi::compatible("mistral", "https://api.mistral.ai/v1").without_stream_options();
    VENDORS
        .iter()
        .map(|&(name, base)| OpenAi::compatible(name, base))
        .chain([mistral])
}
