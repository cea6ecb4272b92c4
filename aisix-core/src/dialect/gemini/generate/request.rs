//! Requests, both ways.

use bytes::Bytes;
use serde_json::Value;

use super::config;
use super::fault::unsupported;
use super::foreign::{Foreign, map_foreign};
use super::tool;
use super::turn::{read_contents, read_system, write_contents};
use super::wire::{self, Tools};
use super::words::Words;
use super::{ID, to_bytes};
use crate::conversation::{ChatRequest, Extra};
use crate::dialect::{Carry, TargetModel};
use crate::error::{Error, Result};
use crate::json;

// === reading ===

pub(in crate::dialect::gemini) fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let wire = serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
    read_wire(wire)
}

pub(super) fn read_wire(wire: wire::Request) -> Result<ChatRequest> {
    let contents = wire.contents.ok_or_else(|| {
        Error::invalid_request("The request needs `contents`.")
            .with_code("missing_required_parameter")
            .with_param("contents")
    })?;
    // The model stands in the URL; a body that names it all the same is taken at its word.
    let model = wire.model.unwrap_or_default();
    let mut request = ChatRequest::new(model.strip_prefix("models/").unwrap_or(&model));
    request
        .messages
        .extend(wire.system_instruction.map(read_system));
    request.messages.extend(read_contents(contents)?);
    request.service_tier = wire.service_tier;
    request.extra = Extra::with_fields(ID, wire.rest);
    if let Some(tools) = wire.tools {
        request.tools = tool::read_tools(tools.into_vec());
    }
    if let Some(config) = wire.tool_config {
        tool::read_config(config, &mut request);
    }
    if let Some(config) = wire.generation_config {
        config::read_config(config, &mut request);
    }
    Ok(request)
}

/// Says what serde stumbled over, with the member: reads one after the other until one fails.
fn explain(body: &[u8], error: &serde_json::Error) -> Error {
    if !error.is_data() {
        return Error::invalid_request(format!("The body is not valid JSON: {error}"));
    }
    let culprit = json::members(body).ok().and_then(|members| {
        members.map_while(Result::ok).find_map(|member| {
            let mut alone = b"{".to_vec();
            json::write_string(&mut alone, &member.key);
            alone.push(b':');
            alone.extend_from_slice(member.raw().as_json().as_bytes());
            alone.push(b'}');
            let error = serde_json::from_slice::<wire::Request>(&alone).err()?;
            Some((member.key.into_owned(), error))
        })
    });
    match culprit {
        Some((param, error)) => {
            Error::invalid_request(format!("Invalid value for `{param}`: {error}"))
                .with_param(param)
        }
        None => Error::invalid_request(format!("The body is not a request: {error}")),
    }
}

// === writing ===

pub(super) fn write_request(
    request: &ChatRequest,
    target: &TargetModel<'_>,
) -> Result<(Bytes, Carry)> {
    let (wire, carry) = write_wire(request, target)?;
    Ok((to_bytes(&wire)?, carry))
}

pub(super) fn write_wire(
    request: &ChatRequest,
    target: &TargetModel<'_>,
) -> Result<(wire::Request, Carry)> {
    let Foreign {
        members,
        modalities,
        searches,
    } = map_foreign(request)?;
    let mut words = Words::new(request, target);
    let (system_instruction, contents) = write_contents(request, &mut words)?;
    let tools = tool::write_tools(request, searches, &mut words)?;
    let tool_config = tool::write_config(request, &tools, &mut words)?;
    let has_functions = tools
        .iter()
        .any(|tool| tool.function_declarations.is_some());
    let generation_config = config::write_config(request, modalities, has_functions, &words)?;
    let mut rest = request.extra.fields(ID).cloned().unwrap_or_default();
    for kept in ["toolConfig", "generationConfig"] {
        rest.shift_remove(kept);
    }
    rest.extend(members);
    let wire = wire::Request {
        model: None,
        system_instruction,
        contents: Some(contents),
        tools: (!tools.is_empty()).then_some(Tools::Many(tools)),
        tool_config,
        generation_config,
        service_tier: write_tier(request, words.is_own)?,
        rest,
    };
    Ok((wire, words.into_carry(request)))
}

/// The classes that callers of other vendors name, in this vendor's words.
fn write_tier(request: &ChatRequest, is_own: bool) -> Result<Option<String>> {
    let tier = match request.service_tier.as_deref() {
        Some(tier) if !is_own => tier,
        own => return Ok(own.map(str::to_owned)),
    };
    match tier {
        // What the vendor does by itself.
        "auto" | "default" => Ok(None),
        "standard" | "standard_only" => Ok(Some("standard".to_owned())),
        "flex" | "priority" => Ok(Some(tier.to_owned())),
        _ => Err(unsupported("service_tier", "this class of service")),
    }
}

/// What the vendor counts of a request: everything but how the answer is made.
pub(in crate::dialect::gemini) fn write_counted(
    request: &ChatRequest,
    target: &TargetModel<'_>,
) -> Result<Value> {
    let (wire, _) = write_wire(request, target)?;
    serde_json::to_value(&wire)
        .map_err(|error| Error::internal("The request could not be written.").with_source(error))
}
