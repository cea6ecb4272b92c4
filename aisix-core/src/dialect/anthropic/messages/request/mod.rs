//! Requests, both ways.

mod foreign;
mod own;
mod read;
mod schema;
mod strict;
mod tools;
mod turns;

use bytes::Bytes;
use serde::Serialize;

pub(super) use self::read::read_format;
pub(in super::super) use self::read::read_request;
use super::super::ID;
use super::super::models::capabilities;
use super::wire::Block;
use super::words::{Style, Words};
use crate::conversation::ChatRequest;
use crate::dialect::{Carry, TargetModel};
use crate::error::{Error, Result};

/// Writes a request.
///
/// A conversation of this format is written as it came: what a model refuses, its vendor says. Of
/// another format it is fitted to the model.
pub(super) fn write_request(
    request: &ChatRequest,
    target: &TargetModel<'_>,
) -> Result<(Bytes, Carry)> {
    let (body, carry) = write_body(request, target)?;
    Ok((to_bytes(&body)?, carry))
}

/// The same, not serialised yet.
pub(in super::super) fn write_body(
    request: &ChatRequest,
    target: &TargetModel<'_>,
) -> Result<(Block, Carry)> {
    let is_own = request.extra.origin() == Some(ID);
    let mut words = Words::new(if is_own { Style::Own } else { Style::Foreign });
    let body = if is_own {
        own::write_body(request, target.name(), &mut words)?
    } else {
        let model = capabilities(target);
        foreign::write_body(request, target.name(), &model, &mut words)?
    };
    let Words { carry, custom, .. } = words;
    let carry = if custom.is_empty() {
        carry
    } else {
        carry.with_state(custom)
    };
    Ok((body, carry))
}

pub(super) fn to_bytes(value: &impl Serialize) -> Result<Bytes> {
    let body = serde_json::to_vec(value).map_err(|error| {
        Error::internal("The conversation could not be written.").with_source(error)
    })?;
    Ok(body.into())
}

/// What a schema is called that came without a name.
const SCHEMA_NAME: &str = "structured_output";

/// Says that calls may not be parallel.
const DISABLE_PARALLEL: &str = "disable_parallel_tool_use";

// How the request was spelled, where the neutral model has one word for several spellings.
const TURN: &str = "turn";
const TYPE_CUSTOM: &str = "type custom";
const SAID_NOT_TO_STREAM: &str = "stream false";
