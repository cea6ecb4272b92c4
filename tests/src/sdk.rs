//! The official SDKs, driven from outside.
//!
//! A script (`sdk/python/run.py`, `sdk/node/run.mjs`) reads one [`Job`] as JSON from its standard
//! input, does the operations one after the other with one client of each SDK, and prints a JSON
//! array with one result for each: `{"ok": what the SDK returned}` or `{"error": the exception in
//! fields}`. The operation's name tells the SDK. Both scripts know the same operations of the
//! vendors' own SDKs, so that one test asks both.
//!
//! | operations | SDK |
//! | --- | --- |
//! | `chat…`, `responses…`, `completions…`, `embeddings`, `models_…` | `openai` |
//! | `messages…`, `count_tokens…` | `anthropic`, `@anthropic-ai/sdk` |
//! | `ai_generate`, `ai_stream` | `ai`, of npm only, by way of the vendor's package that `via` names |
//!
//! `…_stream` gives the raw events, `…_stream_helper` what the SDK made of them.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::resources::KEY;
use crate::wait::soon;
use crate::{node, python};

/// The language of the SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// The packages of PyPI.
    Python,
    /// The packages of npm.
    Node,
}

/// What a script is to do.
#[derive(Clone, Debug)]
pub struct Job {
    base_url: String,
    api_key: String,
    max_retries: u32,
    ops: Vec<Value>,
}

// === impl Sdk ===

impl Sdk {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Python, Self::Node];

    /// Runs a job and returns one result for each operation.
    pub async fn run(self, job: &Job) -> Vec<Value> {
        let command = match self {
            Self::Python => python::script("run.py"),
            Self::Node => node::script("run.mjs"),
        };
        let results = run(command, &job.to_value().to_string()).await;
        let results = results
            .as_array()
            .expect("a script prints an array")
            .clone();
        assert_eq!(
            results.len(),
            job.ops.len(),
            "{self:?}: one result for each operation"
        );
        results
    }

    /// Runs one operation and returns what the SDK returned.
    pub async fn ok(self, base_url: &str, op: &str, args: Value) -> Value {
        let results = self.run(&Job::new(base_url).op(op, args)).await;
        let result = &results[0];
        assert!(result.get("ok").is_some(), "{self:?} {op}: {result}");
        result["ok"].clone()
    }

    /// Runs one operation and returns the exception that it raised.
    pub async fn error(self, base_url: &str, op: &str, args: Value) -> Value {
        let results = self.run(&Job::new(base_url).op(op, args)).await;
        let result = &results[0];
        assert!(result.get("error").is_some(), "{self:?} {op}: {result}");
        result["error"].clone()
    }
}

// === impl Job ===

impl Job {
    /// A job for a client of `base_url` with [`KEY`] that does not retry.
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            api_key: KEY.to_owned(),
            max_retries: 0,
            ops: Vec::new(),
        }
    }

    /// Uses another key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.api_key);
        self
    }

    /// Lets the SDK retry by itself.
    #[must_use]
    pub fn retries(mut self, n: u32) -> Self {
        self.max_retries = n;
        self
    }

    /// Adds an operation.
    #[must_use]
    pub fn op(mut self, op: &str, args: Value) -> Self {
        self.ops.push(json!({"op": op, "args": args}));
        self
    }

    /// Adds an operation against another base URL.
    #[must_use]
    pub fn op_at(mut self, base_url: &str, op: &str, args: Value) -> Self {
        self.ops
            .push(json!({"op": op, "args": args, "base_url": base_url}));
        self
    }

    fn to_value(&self) -> Value {
        json!({
            "base_url": self.base_url,
            "api_key": self.api_key,
            "max_retries": self.max_retries,
            "ops": self.ops,
        })
    }
}

/// The folder of `sdk/…` in this package.
pub fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sdk")
}

/// Where `cargo xtask test` puts the virtual environment and the node modules.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"),
    }
}

async fn run(mut command: Command, input: &str) -> Value {
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    let mut child = command
        .env("NO_PROXY", "127.0.0.1,localhost")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the interpreter starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_owned();
    // Written beside reading: a large job must not wait for a script that waits for its reader.
    let write = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
    let output = tokio::time::timeout(
        std::time::Duration::from_secs(180),
        child.wait_with_output(),
    )
    .await
    .expect("a script ends within three minutes")
    .expect("the script ran");
    drop(soon("the job to be written", write).await);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the script failed ({}):\n{stderr}",
        output.status
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let stdout = String::from_utf8_lossy(&output.stdout);
        panic!("{error}: the script printed {stdout}\n{stderr}")
    })
}

/// What a developer's shell may set: a proxy must not stand between an SDK and the loopback, and
/// no account of theirs may be used.
const NOT_INHERITED: [&str; 11] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
];
