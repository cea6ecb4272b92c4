#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "a test is its own host")
)]

pub mod error;

pub mod json;
pub mod sse;

pub mod conversation;
pub mod dialect;

pub mod resource;
pub mod snapshot;

pub mod config;

pub mod call;
pub mod reply;

pub mod hook;
pub mod provider;

pub mod gateway;

#[cfg(feature = "testing")]
pub mod testing;

pub use call::{Call, Caller};
pub use error::{Error, ErrorKind, Result};
pub use gateway::{AisixLayer, Gateway};
pub use hook::CallService;
pub use reply::Reply;
