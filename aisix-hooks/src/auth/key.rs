use std::sync::Arc;
use std::time::SystemTime;

use aisix_core::call::{Call, Caller, Operation};
use aisix_core::error::{Error, Result};
use aisix_core::resource::KeyHash;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Finds out who calls.
pub(super) fn identify(call: &Call) -> Result<()> {
    let context = call.context();
    // What is nowhere needs no protection.
    if call.operation() == Operation::Unknown || context.caller().is_some() {
        return Ok(());
    }
    let key = presented(context.headers())?;
    let entry = context
        .snapshot()
        .api_key(&KeyHash::of(key))
        .ok_or_else(|| {
            Error::invalid_api_key("Incorrect API key provided.").with_code("invalid_api_key")
        })?;
    if entry.resource().disabled {
        return Err(
            Error::invalid_api_key("This API key is disabled.").with_code("api_key_disabled")
        );
    }
    if entry.expires_at().is_some_and(|at| at <= SystemTime::now()) {
        return Err(
            Error::invalid_api_key("This API key has expired.").with_code("api_key_expired")
        );
    }
    context.identify(Caller::key(Arc::clone(entry)));
    Ok(())
}

fn presented(headers: &HeaderMap) -> Result<&[u8]> {
    if let Some(key) = headers.get("x-api-key") {
        return Some(key.as_bytes().trim_ascii())
            .filter(|key| !key.is_empty())
            .ok_or_else(malformed);
    }
    let value = headers.get(AUTHORIZATION).ok_or_else(|| {
        Error::invalid_api_key(
            "You didn't provide an API key. Send it as `Authorization: Bearer <key>`.",
        )
    })?;
    // Schemes are case-insensitive: RFC 9110, section 11.1.
    match value.as_bytes().split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case(b"bearer ") => Some(key.trim_ascii())
            .filter(|key| !key.is_empty())
            .ok_or_else(malformed),
        _ => Err(malformed()),
    }
}

fn malformed() -> Error {
    Error::invalid_api_key("The API key must be sent as `Authorization: Bearer <key>`.")
}
