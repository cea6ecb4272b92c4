//! What a conversation of another format says, in the words of this one.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ID;
use super::wire::Rest;
use crate::conversation::{ChatRequest, Extra};
use crate::dialect::openai::fault::Fault;
use crate::dialect::{OPENAI_COMPLETIONS, OPENAI_RESPONSES};
use crate::error::{Error, Result};

/// The fields of a request beyond the neutral model: its own, or of those of another format none,
/// since each is without effect or refused by name.
pub(super) fn request_fields(extra: &Extra) -> Result<Rest> {
    let Some(origin) = extra.origin().filter(|origin| *origin != ID) else {
        return Ok(extra.fields(ID).cloned().unwrap_or_default());
    };
    let mut rest = Rest::new();
    for (name, value) in extra.fields(origin).into_iter().flatten() {
        let is_nothing = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Object(map) if name == "reasoning" => {
                map.keys().all(|name| REASONING_HINTS.contains(&&**name))
            }
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if name == "logit_bias" && !is_nothing && origin == OPENAI_COMPLETIONS.as_str() {
            rest.insert(name.clone(), value.clone());
            continue;
        }
        let asks_for_memory = name == "store" && origin == OPENAI_RESPONSES.as_str();
        if !is_nothing && (asks_for_memory || !WITHOUT_EFFECT.contains(&&**name)) {
            let fault = Fault::unsupported(&format!("`{name}`"));
            return Err(fault.in_member(name).into_error());
        }
    }
    Ok(rest)
}

/// The fault in the turn `at` as the caller of `request` reads it.
pub(super) fn fault_of_turn(request: &ChatRequest, fault: Fault, at: usize) -> Error {
    // Items are put together to turns: which one it was nobody knows any more.
    if request.extra.origin() == Some(OPENAI_RESPONSES.as_str()) {
        fault.only_in("input").into_error()
    } else if request.extra.origin() == Some(OPENAI_COMPLETIONS.as_str()) {
        fault.only_in("prompt").into_error()
    } else {
        fault.at("messages", at).into_error()
    }
}

/// The end user. Other formats allow names that are longer than any here.
pub(super) fn user(request: &ChatRequest) -> Option<String> {
    let user = request.user.as_ref()?;
    if !is_foreign(request) || user.len() <= LONGEST_USER {
        return Some(user.clone());
    }
    let digest = Sha256::digest(user.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(hex)
}

/// Whether the conversation came in another format, not from code.
pub(super) fn is_foreign(request: &ChatRequest) -> bool {
    request.extra.origin().is_some_and(|origin| origin != ID)
}

/// Fields without which the answer is the same: what the vendor keeps and for how long (but not for
/// callers of responses, who go on from it), how it caches and bills, how the caller is told apart, which details of tools that are refused anyway
/// are shown, and what may be left out of a conversation that grows too long.
const WITHOUT_EFFECT: &[&str] = &[
    "cache_control",
    "client_metadata",
    "context_management",
    "include",
    "labels",
    "max_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
    "truncation",
];

/// Which earlier thoughts the vendor looks at, and an old name of their summary.
const REASONING_HINTS: &[&str] = &["context", "generate_summary"];

/// As many characters as OpenAI's newest identifiers of users may have.
const LONGEST_USER: usize = 64;
