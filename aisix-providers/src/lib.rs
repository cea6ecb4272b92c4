#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "a test is its own host")
)]

#[cfg(feature = "anthropic")]
mod anthropic;
#[cfg(any(
    feature = "anthropic",
    feature = "deepseek",
    feature = "gemini",
    feature = "openai"
))]
mod credential;
#[cfg(feature = "deepseek")]
mod deepseek;
#[cfg(test)]
mod fidelity;
#[cfg(feature = "gemini")]
mod gemini;
#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "openai")]
mod openai;
mod registry;
#[cfg(feature = "transport-hyper")]
pub mod transport;
pub mod url;
#[cfg(feature = "openai")]
mod vendors;

#[cfg(feature = "anthropic")]
pub use anthropic::Anthropic;
#[cfg(feature = "deepseek")]
pub use deepseek::DeepSeek;
#[cfg(feature = "gemini")]
pub use gemini::Gemini;
#[cfg(feature = "openai")]
pub use openai::OpenAi;
pub use registry::providers;
#[cfg(feature = "openai")]
pub use vendors::vendors;
