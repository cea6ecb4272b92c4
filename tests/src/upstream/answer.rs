//! What an upstream says, step by step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

/// What the upstream answers to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) before: Vec<Step>,
    pub(super) steps: Vec<Step>,
}

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes in one frame.
    Send(Bytes),
    /// Waits.
    Pause(Duration),
    /// Waits until the test opens the gate.
    Wait(Gate),
    /// Does nothing until the other end goes away.
    Stall,
    /// Breaks the connection without an end to the body.
    Cut,
}

/// Opened by the test, once for each waiter.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

// === impl Answer ===

impl Answer {
    /// An answer with a status and nothing else.
    pub fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status code"),
            headers: HeaderMap::new(),
            before: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// A whole body, with its length.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::status(status)
            .header(CONTENT_TYPE.as_str(), content_type)
            .header(CONTENT_LENGTH.as_str(), &body.len().to_string())
            .step(Step::Send(body))
    }

    /// 200 and JSON.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::body(200, "application/json", body)
    }

    /// An error in OpenAI's words.
    pub fn error(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// 200 and an event stream with nothing in it yet.
    pub fn stream() -> Self {
        Self::status(200).header(CONTENT_TYPE.as_str(), "text/event-stream; charset=utf-8")
    }

    /// An event stream of these events, each its own frame, ended by `[DONE]`.
    pub fn events<I: IntoIterator<Item = Value>>(events: I) -> Self {
        let answer = events
            .into_iter()
            .fold(Self::stream(), |answer, event| answer.event(&event));
        answer.done()
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(
            HeaderName::from_bytes(name.as_bytes()).expect("a header name"),
            HeaderValue::from_str(value).expect("a header value"),
        );
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sends raw bytes.
    #[must_use]
    pub fn send(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// Sends one event.
    #[must_use]
    pub fn event(self, data: &Value) -> Self {
        self.send(format!("data: {data}\n\n"))
    }

    /// Sends `[DONE]`.
    #[must_use]
    pub fn done(self) -> Self {
        self.send("data: [DONE]\n\n")
    }

    /// Waits for the gate.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Waits for the gate before even the status is sent.
    #[must_use]
    pub fn hold(mut self, gate: &Gate) -> Self {
        self.before.push(Step::Wait(gate.clone()));
        self
    }

    /// Sends nothing at all, until the gateway gives up.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.before.push(Step::Stall);
        self
    }

    /// Stops here without an end.
    #[must_use]
    pub fn stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// Breaks the connection here.
    #[must_use]
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Breaks the connection after the first `n` bytes of what the steps would send.
    #[must_use]
    pub fn cut_after(mut self, n: usize) -> Self {
        let mut left = n;
        let mut steps = Vec::new();
        for step in self.steps {
            match step {
                Step::Send(bytes) if bytes.len() >= left => {
                    steps.push(Step::Send(bytes.slice(..left)));
                    break;
                }
                Step::Send(bytes) => {
                    left -= bytes.len();
                    steps.push(Step::Send(bytes));
                }
                other => steps.push(other),
            }
        }
        steps.push(Step::Cut);
        self.steps = steps;
        self
    }

    /// Sends the same bytes in frames of `n`.
    #[must_use]
    pub fn in_pieces_of(mut self, n: usize) -> Self {
        self.steps = self
            .steps
            .into_iter()
            .flat_map(|step| match step {
                Step::Send(bytes) => (0..bytes.len())
                    .step_by(n)
                    .map(|at| Step::Send(bytes.slice(at..bytes.len().min(at + n))))
                    .collect(),
                other => vec![other],
            })
            .collect();
        self
    }

    /// All bytes that the steps send.
    pub fn bytes(&self) -> Vec<u8> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::Send(bytes) => Some(bytes.to_vec()),
                _ => None,
            })
            .flatten()
            .collect()
    }
}

// === impl Gate ===

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one waiter through.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    /// Lets everybody through from now on.
    pub fn open_for_all(&self) {
        self.0.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(super) async fn pass(&self) {
        self.0
            .acquire()
            .await
            .expect("the gate is never closed")
            .forget();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
