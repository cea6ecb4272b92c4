//! How hooks are written and stacked.
//!
//! A hook is a [`tower_layer::Layer`] over services that take a [`Call`](crate::call::Call) and
//! give a [`Reply`](crate::reply::Reply); [`CallService`] says so in one word. Hooks that come with
//! AISIX have no privilege that yours lack. The shortest one is a closure:
//!
//! ```
//! use aisix_core::error::{Error, ErrorKind};
//! use aisix_core::hook::{Next, hook_fn};
//! use aisix_core::call::Call;
//!
//! let no_secrets = hook_fn(|call: Call, next: Next| async move {
//!     if let Some(chat) = call.conversation()?
//!         && chat.texts().any(|(_, text)| text.contains("launch code"))
//!     {
//!         return Err(Error::new(ErrorKind::ContentFilter, "Blocked by the guardrail `secrets`."));
//!     }
//!     next.run(call).await
//! });
//! # drop(no_secrets);
//! ```
//!
//! # What a hook keeps
//!
//! - **No side effect in `call`.** Work starts when the future is polled first.
//! - **Readiness is honoured.** Poll the inner service ready before calling it, and call the very
//!   instance that was ready.
//! - **Dropping the future cancels.** What was reserved is given back by a guard, and
//!   [`EndGuard`](crate::reply::EndGuard) tells how the call ended.
//! - **State is reached through the call's snapshot**, in the cells that its entries hold, so that
//!   the layer itself is plain data and costs nothing to clone.
//!
//! # Slots
//!
//! A hook stands in one of four places, from the outside in ([`Slots`]):
//!
//! | slot | sees | for |
//! |---|---|---|
//! | `edge` | every call, refused ones too | logs, metrics, traces |
//! | `policy` | in the order of their adding: who calls, which model | authentication, limits, guardrails |
//! | `routing` | calls that may go out | targets, retries |
//! | `attempt` | each try at an upstream | signing, per-target policy |

mod boxed;
mod check;
mod hook_fn;
mod service;
mod slot;

pub use boxed::{BoxCallFuture, BoxCallService};
pub use check::{Check, CheckLayer, Checked, CheckedFuture, check_fn};
pub use hook_fn::{HookFn, HookFnFuture, HookFnService, Next, hook_fn};
pub use service::CallService;
pub use slot::Slots;

#[cfg(test)]
mod tests;
