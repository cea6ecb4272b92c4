use aisix_core::hook::Slots;
use tower_layer::{Identity, Stack};

use crate::access::AccessLayer;
use crate::auth::AuthLayer;
use crate::rate_limit::RateLimitLayer;
use crate::retry::RetryLayer;

/// The slots that [`defaults`] fills.
pub type Defaults = Slots<
    Identity,
    Stack<RateLimitLayer, Stack<AccessLayer, Stack<AuthLayer, Identity>>>,
    Stack<RetryLayer, Identity>,
    Identity,
>;

/// The hooks that a gateway with keys and limits needs, in the order that makes them right.
pub fn defaults() -> Defaults {
    Slots::new()
        // Nothing is said to a stranger, not even that their request is malformed.
        .policy(AuthLayer::new())
        // A model that may not be used must not be counted, nor told apart from one that is not
        // there by its limits.
        .policy(AccessLayer::new())
        // What is counted is what would go out; hooks that are added later may still refuse it.
        .policy(RateLimitLayer::new())
        // One admitted request is one request, however often the upstream has to be asked.
        .routing(RetryLayer::new())
}

#[cfg(test)]
mod tests;
