//! How a request shows that it may be sent.

use aisix_core::error::Result;
use aisix_core::provider::{Endpoint, TargetSpec};

/// Sends the key as a bearer token.
#[cfg(any(feature = "deepseek", feature = "openai"))]
pub(crate) fn bearer(endpoint: Endpoint, target: &TargetSpec<'_>) -> Result<Endpoint> {
    keyed(endpoint, target, "authorization", "Bearer ")
}

/// Sends the key in the header `name`, where there is one: servers on one's own machines often want
/// none.
pub(crate) fn keyed(
    endpoint: Endpoint,
    target: &TargetSpec<'_>,
    name: &'static str,
    prefix: &str,
) -> Result<Endpoint> {
    let has_key = target
        .provider_key()
        .is_some_and(|key| key.api_key.is_some());
    if !has_key && target.api_base().is_some() {
        return Ok(endpoint);
    }
    endpoint.with_secret_header(name, target.secret()?, prefix)
}
