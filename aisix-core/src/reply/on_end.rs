use std::fmt;

use http::StatusCode;
use tokio::time::Instant;

use super::{Content, End, Frames, Outcome, Reply};
use crate::call::Call;
use crate::conversation::Usage;
use crate::error::{Error, ErrorKind, Result};

/// Callbacks in the order in which they were added, which is from the provider outwards.
type Callbacks = Vec<Box<dyn FnOnce(&Outcome) + Send>>;

/// Tells its callbacks exactly once how a call ended.
///
/// A hook that must know makes one before it calls its inner service, and settles it with the
/// result: on a reply the callback moves on to the reply's end, on an error it runs at once. A
/// guard that is dropped unsettled says that the caller has gone, which is what it means when the
/// future of a call is dropped.
///
/// ```
/// use aisix_core::reply::{EndGuard, Tally};
///
/// let guard = EndGuard::new(Tally::now(), Vec::new()).with(|outcome| {
///     assert_eq!(outcome.end().as_str(), "caller_gone");
/// });
/// drop(guard);
/// ```
#[must_use = "a guard that is dropped reports that the caller has gone"]
pub struct EndGuard {
    tally: Tally,
    callbacks: Callbacks,
}

/// What is counted while an answer is delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tally {
    /// When the request arrived.
    pub started: Instant,
    /// When the first event with content was there.
    pub first_token: Option<Instant>,
    /// The tokens, as the upstream has counted them.
    pub usage: Option<Usage>,
    /// The tokens of the input, as guessed from the request.
    pub input_estimate: u64,
    /// The status that the caller is sent.
    pub status: StatusCode,
    /// The bytes handed over for sending.
    pub bytes: u64,
    /// What has been said.
    content: Content,
    /// Whether anything was said since the usage was told.
    said_since: bool,
}

// === impl EndGuard ===

impl EndGuard {
    /// Watches over a call of which `tally` knows the beginning.
    pub fn new(tally: Tally, callbacks: Vec<Box<dyn FnOnce(&Outcome) + Send>>) -> Self {
        Self { tally, callbacks }
    }

    /// Watches over `call`.
    pub fn of(call: &Call) -> Self {
        Self::new(Tally::of(call), Vec::new())
    }

    /// Adds a callback.
    pub fn with(mut self, callback: impl FnOnce(&Outcome) + Send + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// What has been counted so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What has been counted so far.
    #[must_use]
    pub fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Settles the guard with what came back from the inner service.
    ///
    /// # Errors
    ///
    /// The error that came back, after the callbacks have heard of it.
    pub fn settle(mut self, result: Result<Reply>) -> Result<Reply> {
        match result {
            Ok(mut reply) => {
                // A hook further out may drop the reply: what it cost is known by then.
                let usage = reply.meta.usage;
                reply.end.tally = Tally {
                    usage,
                    ..self.tally.clone()
                };
                reply.end.callbacks.append(&mut self.callbacks);
                Ok(reply)
            }
            Err(error) => {
                self.fail(&error);
                Err(error)
            }
        }
    }

    /// The answer has been delivered whole.
    pub fn complete(mut self) {
        self.fire(End::Complete, None);
    }

    /// The call has failed.
    pub fn fail(&mut self, error: &Error) {
        if !self.tally.has_begun() {
            self.tally.status = error.status();
        }
        self.fire(End::of(error), Some(error.kind()));
    }

    fn fire(&mut self, end: End, error: Option<ErrorKind>) {
        if self.callbacks.is_empty() {
            return;
        }
        let outcome = self.tally.outcome(end, error);
        for callback in self.callbacks.drain(..) {
            callback(&outcome);
        }
    }
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        if !self.tally.has_begun() {
            self.tally.status = ErrorKind::CallerGone.default_status();
        }
        self.fire(End::CallerGone, Some(ErrorKind::CallerGone));
    }
}

impl fmt::Debug for EndGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndGuard")
            .field("tally", &self.tally)
            .field("callbacks", &self.callbacks.len())
            .finish()
    }
}

// === impl Tally ===

impl Tally {
    /// Counts from now on.
    #[must_use]
    pub fn now() -> Self {
        Self {
            started: Instant::now(),
            first_token: None,
            usage: None,
            input_estimate: 0,
            status: StatusCode::OK,
            bytes: 0,
            content: Content::default(),
            said_since: false,
        }
    }

    /// Counts for `call`, from its arrival on.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        Self {
            started: call.context().received(),
            input_estimate: call.payload().estimated_tokens(),
            ..Self::now()
        }
    }

    /// Takes note of frames that are about to go out.
    pub fn frames(&mut self, frames: &Frames) {
        if let Some(usage) = &frames.usage {
            self.usage = Some(self.usage.unwrap_or_default().updated_by(usage));
            self.said_since = false;
        }
        if frames.content.events > 0 {
            self.said_since = true;
            self.content.events += frames.content.events;
            self.content.bytes += frames.content.bytes;
            self.first_token.get_or_insert_with(Instant::now);
        }
        self.bytes += frames.bytes.len() as u64;
    }

    /// Whether the caller has got something of the answer, and so its status.
    fn has_begun(&self) -> bool {
        self.bytes > 0 || self.first_token.is_some()
    }

    fn outcome(&self, end: End, error: Option<ErrorKind>) -> Outcome {
        // A call that no upstream has worked for costs nothing: refused, or never sent.
        let unbilled = matches!(end, End::Refused | End::UpstreamError | End::Timeout)
            && self.content.events == 0;
        let said = self.content.estimated_tokens();
        let (usage, estimated) = match &self.usage {
            // Some vendors tell at the beginning what the input cost: what came after is a guess.
            Some(usage)
                if end != End::Complete && self.said_since && said > usage.output_tokens =>
            {
                let mut usage = *usage;
                usage.output_tokens = said;
                (usage, true)
            }
            Some(usage) => (*usage, false),
            None if unbilled => (Usage::default(), false),
            None => (Usage::new(self.input_estimate, said), true),
        };
        Outcome {
            end,
            status: self.status,
            error,
            usage,
            estimated,
            duration: self.started.elapsed(),
            time_to_first_token: self.first_token.map(|first| first - self.started),
            bytes: self.bytes,
        }
    }
}
