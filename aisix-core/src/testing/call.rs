use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::call::{Call, CallContext, Caller, Operation, Payload};
use crate::dialect::{Dialects, openai};
use crate::resource::{Id, Kind, Revision, Row};
use crate::snapshot::Snapshot;

/// Builds a call for a test.
#[derive(Clone, Debug)]
#[must_use]
pub struct TestCall {
    operation: Operation,
    body: Value,
    bytes: Option<Bytes>,
    rows: Vec<Row>,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    caller: Option<Caller>,
}

impl TestCall {
    /// A short conversation with `model`.
    pub fn chat(model: &str) -> Self {
        let messages = json!([{"role": "user", "content": "Why is the sky blue?"}]);
        Self::new(
            Operation::Chat,
            json!({"model": model, "messages": messages}),
        )
    }

    /// A call with `body`.
    pub fn new(operation: Operation, body: Value) -> Self {
        Self {
            operation,
            body,
            bytes: None,
            rows: Vec::new(),
            headers: HeaderMap::new(),
            peer: None,
            caller: None,
        }
    }

    /// Runs under a configuration that has this row.
    ///
    /// # Panics
    ///
    /// `id` is none.
    #[expect(clippy::expect_used, reason = "a test that names no id is wrong")]
    pub fn row(mut self, kind: Kind, id: &str, value: Value) -> Self {
        let revision = Revision::new(self.rows.len() as u64 + 1);
        let id = Id::new(id).expect("a valid id");
        self.rows.push(Row::new(kind, id, value).at(revision));
        self
    }

    /// Sends this header.
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self
    }

    /// Sends these bytes as the body, whatever they are.
    pub fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.bytes = Some(bytes.into());
        self
    }

    /// Comes from this address.
    ///
    /// # Panics
    ///
    /// `address` is none.
    #[expect(clippy::expect_used, reason = "a test that names no address is wrong")]
    pub fn peer(mut self, address: &str) -> Self {
        self.peer = Some(address.parse().expect("an address"));
        self
    }

    /// Is called by the host itself.
    pub fn service(self, name: &'static str) -> Self {
        self.caller(Caller::service(name))
    }

    /// Is called by `caller`, as if authentication had found that out.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Asks for a stream.
    pub fn stream(mut self) -> Self {
        if let Value::Object(body) = &mut self.body {
            body.insert("stream".to_owned(), Value::Bool(true));
        }
        self
    }

    /// The configuration of the rows so far.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let revision = Revision::new(self.rows.len() as u64);
        Arc::new(Snapshot::empty().full(revision, self.rows.clone()))
    }

    /// The call, under the configuration of its rows.
    #[must_use]
    pub fn build(self) -> Call {
        let snapshot = self.snapshot();
        self.build_under(snapshot)
    }

    /// The call, under `snapshot`, so that several share its counters.
    #[must_use]
    pub fn build_under(self, snapshot: Arc<Snapshot>) -> Call {
        let mut context = CallContext::new(snapshot)
            .with_headers(self.headers)
            .with_peer(self.peer);
        if let Some(caller) = self.caller {
            context = context.with_caller(caller);
        }
        let dialect = Dialects::default()
            .get(self.operation.dialect())
            .unwrap_or(&openai::Chat);
        let bytes = self.bytes.unwrap_or_else(|| self.body.to_string().into());
        let payload = Payload::new(dialect, bytes);
        Call::new(context, self.operation, payload)
    }
}
