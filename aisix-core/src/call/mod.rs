//! One request on its way in.
//!
//! A [`Call`] is what every hook and every provider receives: what is asked ([`Operation`],
//! [`Payload`]), and under which circumstances ([`CallContext`]). It is cheap to clone, so that a
//! retry can keep one and send another.

use std::fmt;
use std::sync::Arc;

use crate::conversation::ChatRequest;
use crate::dialect::DialectId;
use crate::error::{Error, Result};
use crate::json::Head;
use crate::snapshot::{ModelEntry, Snapshot};

mod caller;
mod context;
mod operation;
mod payload;
mod target;

pub use caller::Caller;
pub use context::{CallContext, RequestId};
pub use operation::Operation;
pub use payload::Payload;
pub use target::TargetName;

/// One request of one caller, on its way through the hooks to a provider.
#[derive(Clone)]
pub struct Call {
    context: Arc<CallContext>,
    operation: Operation,
    payload: Payload,
    attempt: u32,
    extensions: http::Extensions,
}

impl Call {
    /// Joins what is asked and under which circumstances.
    #[must_use]
    pub fn new(context: CallContext, operation: Operation, payload: Payload) -> Self {
        Self {
            context: Arc::new(context),
            operation,
            payload,
            attempt: 0,
            extensions: http::Extensions::new(),
        }
    }

    /// The circumstances, shared by all clones of this call.
    #[must_use]
    pub fn context(&self) -> &Arc<CallContext> {
        &self.context
    }

    /// What is asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The configuration that this call runs under, from its first hook to its last byte.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        self.context.snapshot()
    }

    /// The request's body.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Replaces the request's body.
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// The dialect in which the caller speaks and expects the answer.
    #[must_use]
    pub fn dialect(&self) -> DialectId {
        self.payload.dialect()
    }

    /// What every request needs of its body.
    ///
    /// # Errors
    ///
    /// The body did not arrive whole, or it is no JSON object that a caller may send.
    pub fn head(&self) -> Result<&Head> {
        self.payload.head()
    }

    /// The model that the caller named; empty when the body names none.
    #[must_use]
    pub fn model(&self) -> &str {
        self.payload.model().unwrap_or_default()
    }

    /// Whether the caller asked for a stream of events. Only chats have them; what else says
    /// `stream` is answered whole.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.operation == Operation::Chat && self.payload.head().is_ok_and(Head::stream)
    }

    /// Who calls, once authentication has found out.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.context.caller()
    }

    /// The model's resource, once the access hook has found it.
    #[must_use]
    pub fn model_entry(&self) -> Option<&Arc<ModelEntry>> {
        self.context.model()
    }

    /// The typed conversation, parsed at the first request for it, and once; `None` for calls that
    /// have none, such as the list of models.
    ///
    /// # Errors
    ///
    /// The body is no conversation in the caller's dialect.
    pub fn conversation(&self) -> Result<Option<&ChatRequest>> {
        match self.operation {
            Operation::Chat | Operation::CountTokens => self.payload.chat().map(Some),
            Operation::Embeddings
            | Operation::ListModels
            | Operation::RetrieveModel
            | Operation::Unknown => Ok(None),
        }
    }

    /// Changes the typed conversation; the caller's bytes are stale from then on and are written
    /// anew from the conversation.
    ///
    /// # Errors
    ///
    /// The body is no conversation in the caller's dialect, or cannot be written after the change.
    pub fn edit_conversation(&mut self, edit: impl FnOnce(&mut ChatRequest)) -> Result<()> {
        self.payload.edit_chat(edit)
    }

    /// How many times an upstream has been asked before on behalf of this call.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The same call, for its next attempt.
    #[must_use]
    pub fn next_attempt(mut self) -> Self {
        self.attempt += 1;
        self
    }

    /// What hooks hand to hooks further in.
    #[must_use]
    pub fn extensions(&self) -> &http::Extensions {
        &self.extensions
    }

    /// What hooks hand to hooks further in.
    #[must_use]
    pub fn extensions_mut(&mut self) -> &mut http::Extensions {
        &mut self.extensions
    }

    /// The caller that authentication found.
    ///
    /// # Errors
    ///
    /// No hook has identified the caller.
    pub fn require_caller(&self) -> Result<&Caller> {
        self.caller()
            .ok_or_else(|| Error::invalid_api_key("No API key was provided."))
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("context", &self.context)
            .field("operation", &self.operation)
            .field("payload", &self.payload)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
