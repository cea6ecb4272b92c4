//! The list of models, answered from the snapshot.

use crate::call::{Call, Caller};
use crate::dialect::openai::models::{self, ModelCard};
use crate::dialect::{ANTHROPIC_MESSAGES, anthropic};
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::snapshot::ModelEntry;

pub(super) fn list(call: &Call) -> Result<Reply> {
    let caller = call.require_caller()?;
    let visible = call
        .snapshot()
        .models()
        .filter(|entry| is_visible(caller, entry));
    let body = match call.dialect() {
        ANTHROPIC_MESSAGES => anthropic::write_models(visible.map(|entry| entry.name())),
        _ => models::write_list(visible.map(|entry| card(entry.name(), entry))),
    };
    Ok(Reply::wire(call.dialect(), body, None))
}

pub(super) fn retrieve(call: &Call) -> Result<Reply> {
    let caller = call.require_caller()?;
    let name = call.context().resource().unwrap_or_default();
    let entry = call
        .snapshot()
        .model(name)
        .filter(|_| caller.may_use(name))
        .ok_or_else(|| Error::model_not_found(name))?;
    let body = match call.dialect() {
        ANTHROPIC_MESSAGES => anthropic::write_model(name),
        _ => models::write_model(card(name, entry)),
    };
    Ok(Reply::wire(call.dialect(), body, None))
}

/// A pattern is no name that a caller could ask for.
fn is_visible(caller: &Caller, entry: &ModelEntry) -> bool {
    !entry.name().contains('*') && caller.may_use(entry.name())
}

fn card<'a>(name: &'a str, entry: &'a ModelEntry) -> ModelCard<'a> {
    let card = ModelCard::new(name);
    match &entry.resource().provider {
        Some(provider) => card.with_owner(provider),
        None => card,
    }
}
