use std::borrow::Cow;

use aisix_core::call::{CallContext, Caller, Operation};
use aisix_core::reply::Outcome;

/// What there is to say about a call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub(super) context: &'a CallContext,
    pub(super) operation: Operation,
    pub(super) stream: bool,
    pub(super) outcome: &'a Outcome,
}

impl<'a> Record<'a> {
    /// The call's circumstances.
    #[must_use]
    pub fn context(&self) -> &'a CallContext {
        self.context
    }

    /// The call's name.
    #[must_use]
    pub fn request_id(&self) -> &'a str {
        self.context.request_id().as_str()
    }

    /// What was asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether a stream was asked for.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// How the call ended.
    #[must_use]
    pub fn outcome(&self) -> &'a Outcome {
        self.outcome
    }

    /// The id of the key, or the name of the service, that called, if it was found out.
    #[must_use]
    pub fn caller_id(&self) -> Option<&'a str> {
        self.context.caller().map(Caller::id)
    }

    /// The model's name in the configuration: a wildcard for a model that only a wildcard names.
    #[must_use]
    pub fn model(&self) -> Option<&'a str> {
        self.context.model().map(|model| model.name())
    }

    /// The provider that was asked last.
    #[must_use]
    pub fn provider(&self) -> Option<Cow<'static, str>> {
        self.context
            .target()
            .map(|target| Cow::Owned(target.provider().to_owned()))
    }
}
