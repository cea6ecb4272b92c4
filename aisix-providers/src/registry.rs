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
    let mut registry = Registry::new();
    #[cfg(feature = "openai")]
    {
        registry = registry.with(crate::OpenAi::new());
        for vendor in crate::vendors() {
            registry = registry.with(vendor);
        }
    }
    #[cfg(feature = "deepseek")]
    {
        registry = registry.with(crate::DeepSeek::new());
    }
    #[cfg(feature = "mock")]
    {
        registry = registry.with_service("mock", crate::mock::Mock::new());
    }
    registry
}
