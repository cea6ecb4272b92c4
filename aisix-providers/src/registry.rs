use aisix_core::provider::Registry;

/// The providers that the features of this crate allow, without a client to reach them.
///
/// ```
/// use aisix_providers::OpenAi;
///
/// let providers = aisix_providers::providers()
///     .with(OpenAi::compatible("acme", "https://api.acme.example/v1"));
/// # drop(providers);
/// ```
pub fn providers() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "openai")]
    let registry = crate::vendors().fold(registry.with(crate::OpenAi::new()), Registry::with);
    #[cfg(feature = "deepseek")]
    let registry = registry.with(crate::DeepSeek::new());
    #[cfg(feature = "gemini")]
    let registry = registry.with(crate::Gemini::new());
    #[cfg(feature = "anthropic")]
    let registry = registry.with(crate::Anthropic::new());
    #[cfg(feature = "mock")]
    let registry = registry.with_service("mock", crate::mock::Mock::new());
    registry
}
