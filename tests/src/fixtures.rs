//! Recorded provider traffic, from the folder that `AISIX_FIXTURES` names.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// One recorded answer, and the request that caused it if that was recorded.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Its name in the manifest.
    pub id: String,
    /// `openai`, `openai-compatible`, `deepseek`, …
    pub provider: String,
    /// `chat_completions`, `embeddings`, …
    pub endpoint: String,
    /// The model that was asked.
    pub model: String,
    /// Whether the answer is an event stream.
    pub stream: bool,
    /// The status of the answer.
    pub status: u16,
    /// What it exercises.
    pub tags: Vec<String>,
    /// The content type of the answer.
    pub content_type: String,
    /// The recorded request, or one that would ask for such an answer.
    pub request: Vec<u8>,
    /// The recorded answer.
    pub response: Vec<u8>,
}

/// Every fixture, or `None` on a machine that has no fixtures and is no CI.
///
/// # Panics
///
/// When `CI` is set and there are no fixtures.
pub fn load() -> Option<Vec<Fixture>> {
    let folder = std::env::var_os("AISIX_FIXTURES")
        .map(PathBuf::from)
        .filter(|folder| folder.join("manifest.json").is_file());
    let Some(folder) = folder else {
        let reason = "AISIX_FIXTURES names no folder with a manifest.json";
        assert!(std::env::var_os("CI").is_none(), "{reason}, and CI is set");
        eprintln!("skipped: {reason}");
        return None;
    };
    let manifest: Value =
        serde_json::from_slice(&read(&folder, "manifest.json")).expect("manifest.json is JSON");
    let entries = manifest["entries"]
        .as_array()
        .expect("a manifest has entries");
    Some(
        entries
            .iter()
            .map(|entry| Fixture::read(&folder, entry))
            .collect(),
    )
}

/// The chat and embeddings fixtures of the vendors that speak OpenAI's formats.
pub fn openai_formats() -> Option<Vec<Fixture>> {
    let fixtures = load()?.into_iter().filter(|fixture| {
        matches!(
            fixture.provider.as_str(),
            "openai" | "openai-compatible" | "deepseek"
        ) && matches!(fixture.endpoint.as_str(), "chat_completions" | "embeddings")
    });
    let fixtures: Vec<_> = fixtures.collect();
    assert!(fixtures.len() > 100, "only {} fixtures", fixtures.len());
    Some(fixtures)
}

/// The recorded answers of every endpoint that talks, error answers left out.
pub fn conversations() -> Option<Vec<Fixture>> {
    let fixtures = load()?.into_iter().filter(|fixture| {
        let endpoint = fixture.endpoint.as_str();
        let wanted = match fixture.provider.as_str() {
            "openai" => matches!(endpoint, "chat_completions" | "responses"),
            "openai-compatible" | "deepseek" => endpoint == "chat_completions",
            "anthropic" => endpoint == "messages",
            "gemini" => matches!(endpoint, "generateContent" | "streamGenerateContent"),
            _ => false,
        };
        wanted && fixture.status == 200
    });
    let fixtures: Vec<_> = fixtures.collect();
    assert!(fixtures.len() > 500, "only {} fixtures", fixtures.len());
    Some(fixtures)
}

impl Fixture {
    fn read(folder: &Path, entry: &Value) -> Self {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let stream = entry["stream"].as_bool().unwrap_or_default();
        let endpoint = text("endpoint");
        let model = entry["model"].as_str().unwrap_or("recorded").to_owned();
        let request = match entry["request"].as_str() {
            Some(path) => read(folder, path),
            None => made_up_request(&endpoint, &model, stream),
        };
        Self {
            id: text("id"),
            provider: text("provider"),
            endpoint,
            model,
            stream,
            status: entry["status"]
                .as_u64()
                .and_then(|status| status.try_into().ok())
                .unwrap_or(0),
            tags: entry["tags"]
                .as_array()
                .map(|tags| {
                    tags.iter()
                        .filter_map(|tag| tag.as_str().map(str::to_owned))
                        .collect()
                })
                .unwrap_or_default(),
            content_type: entry["response_headers"]["content-type"]
                .as_str()
                .unwrap_or("application/json")
                .to_owned(),
            request,
            response: read(
                folder,
                entry["response"].as_str().expect("an entry has a response"),
            ),
        }
    }

    /// The path below an API base.
    pub fn path(&self) -> &'static str {
        match self.endpoint.as_str() {
            "embeddings" => "/embeddings",
            "messages" => "/messages",
            "responses" => "/responses",
            _ => "/chat/completions",
        }
    }

    /// Whether the fixture carries a tag.
    pub fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// The request as JSON.
    #[track_caller]
    pub fn request_json(&self) -> Value {
        serde_json::from_slice(&self.request)
            .unwrap_or_else(|error| panic!("{error} in the request of {}", self.id))
    }
}

fn made_up_request(endpoint: &str, model: &str, stream: bool) -> Vec<u8> {
    let request = match endpoint {
        "embeddings" => json!({"model": model, "input": "Hello"}),
        "messages" => json!({
            "model": model,
            "max_tokens": 1024,
            "messages": [{"role": "user", "content": "Hello"}],
            "stream": stream,
        }),
        "responses" => json!({"model": model, "input": "Hello", "stream": stream}),
        _ => {
            let mut request =
                json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
            if stream {
                request["stream"] = json!(true);
                request["stream_options"] = json!({"include_usage": true});
            }
            request
        }
    };
    request.to_string().into_bytes()
}

fn read(folder: &Path, path: &str) -> Vec<u8> {
    fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
