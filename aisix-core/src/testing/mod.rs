//! What implementers of hooks, providers and sources test with.
//!
//! A hook's test is a few lines: [`mock`] puts a layer around an inner service that the test holds
//! in its hand, and panics when the layer breaks Tower's contract.
//!
//! ```
//! use aisix_core::call::Call;
//! use aisix_core::error::Error;
//! use aisix_core::hook::check_fn;
//! use aisix_core::testing::{self, TestCall};
//! use tower_service::Service;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (mut hook, mut inner) = testing::mock(check_fn(|call: &Call| {
//!     match call.model() {
//!         "forbidden" => Err(Error::invalid_request("not this one")),
//!         _ => Ok(()),
//!     }
//! }));
//! std::future::poll_fn(|cx| hook.poll_ready(cx)).await.unwrap();
//! hook.call(TestCall::chat("forbidden").build()).await.unwrap_err();
//! inner.expect_no_call();
//! # });
//! ```

mod call;
mod config_source;
mod config_store;
mod delivery;
mod mock;
mod readiness;
mod upstream;

pub use call::TestCall;
pub use config_source::config_source;
pub use config_store::config_store;
pub use delivery::Delivery;
pub use mock::{MockHandle, MockService, Pending, mock};
pub use readiness::{Readiness, ReadinessLayer};
pub use upstream::{BodySender, TestUpstream};
