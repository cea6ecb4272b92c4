use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{self, check_reported};
use super::usage::{take_usage, usage_map};
use crate::conversation::{
    Embedding, EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse, Extra,
};
use crate::dialect::openai::{decode, undecodable};
use crate::dialect::{
    Dialect, DialectId, EmbeddingsCodec, EventHead, GEMINI_EMBED, ResponseHead, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::Field;

/// The format of `batchEmbedContents`: one request for each text, all answered at once. A request
/// of `embedContent`, which has one text, is understood.
///
/// `task_type` (`taskType`) and `title` of a caller who speaks OpenAI's format are passed on. Texts
/// that are cut into tokens are refused: they are tokens of another vendor's models. Vectors
/// shorter than a model's own are passed on as they come, whether of length 1 or not.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Embed;

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Batch {
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Vec<Item>>,
    #[serde(flatten)]
    one: Item,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    #[serde(
        alias = "output_dimensionality",
        skip_serializing_if = "Option::is_none"
    )]
    output_dimensionality: Option<u32>,
    /// What each text of a batch says alike: its task and its title.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Part {
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    embeddings: Option<Vec<Vector>>,
    embedding: Option<Vector>,
    usage_metadata: Option<Map<String, Value>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(default)]
    values: Vec<f32>,
}

// === impl Embed ===

impl Embed {
    /// The format as the Developer API speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Embed {
    fn id(&self) -> DialectId {
        GEMINI_EMBED
    }

    /// The texts stand in one of two members.
    fn input(&self) -> Option<Field> {
        None
    }

    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead> {
        Ok(ResponseHead {
            usage: self.read_response(body)?.usage,
            ..ResponseHead::default()
        })
    }

    fn scan_event(&self, _: &[u8]) -> Result<EventHead> {
        Err(undecodable("embeddings are not streamed"))
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read_error(status, headers, body)
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        error::write_error(error, out);
    }

    fn write_stream_error(&self, error: &Error, out: &mut BytesMut) {
        error::write_stream_error(error, out);
    }

    fn write_done(&self, _: &mut BytesMut) {}

    fn embeddings(&self) -> Option<&dyn EmbeddingsCodec> {
        Some(self)
    }
}

impl EmbeddingsCodec for Embed {
    fn read_request(&self, body: &[u8]) -> Result<EmbeddingsRequest> {
        let batch: Batch = serde_json::from_slice(body).map_err(|error| {
            Error::invalid_request(format!("The body is not a request: {error}"))
        })?;
        let Some(items) = batch.requests else {
            let text = text_of(batch.one.content, "content")?;
            let input = EmbeddingInput::Text(text);
            return Ok(asked(
                input,
                batch.one.model,
                batch.one.output_dimensionality,
                batch.one.rest,
            ));
        };
        let mut first: Option<(Option<String>, Option<u32>, Map<String, Value>)> = None;
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            texts.push(text_of(item.content, &format!("requests[{at}].content"))?);
            let options = (item.model, item.output_dimensionality, item.rest);
            if first.as_ref().is_some_and(|first| *first != options) {
                let param = format!("requests[{at}]");
                let message = format!("`{param}` asks for another kind of vector than the first.");
                return Err(Error::unsupported(param, message));
            }
            first.get_or_insert(options);
        }
        let (model, dimensions, rest) = first.unwrap_or_default();
        Ok(asked(EmbeddingInput::Texts(texts), model, dimensions, rest))
    }

    fn write_request(
        &self,
        request: &EmbeddingsRequest,
        target: &TargetModel<'_>,
    ) -> Result<Bytes> {
        let texts: &[String] = match &request.input {
            EmbeddingInput::Text(text) => std::slice::from_ref(text),
            EmbeddingInput::Texts(texts) => texts,
            EmbeddingInput::Tokens(_) | EmbeddingInput::TokenLists(_) => {
                return Err(Error::unsupported(
                    "input",
                    "Gemini embeds texts, not tokens of another vendor's models.",
                ));
            }
        };
        let name = target.name();
        let model = format!("models/{}", name.strip_prefix("models/").unwrap_or(name));
        let rest = options(request)?;
        let item = |text: &String| Item {
            model: Some(model.clone()),
            content: Some(Content {
                parts: vec![Part { text: text.clone() }],
            }),
            output_dimensionality: request.dimensions,
            rest: rest.clone(),
        };
        let batch = Batch {
            requests: Some(texts.iter().map(item).collect()),
            one: Item::default(),
        };
        let body = serde_json::to_vec(&batch).map_err(|error| {
            Error::internal("The request could not be written.").with_source(error)
        })?;
        Ok(body.into())
    }

    fn read_response(&self, body: &[u8]) -> Result<EmbeddingsResponse> {
        let wire: Response = decode(body)?;
        let vectors = match (wire.embeddings, wire.embedding) {
            (Some(vectors), _) => vectors,
            (None, Some(vector)) => vec![vector],
            (None, None) => {
                check_reported(body)?;
                return Err(undecodable("an answer without embeddings"));
            }
        };
        let vectors = vectors.into_iter().map(|vector| vector.values);
        let mut response = EmbeddingsResponse::new("", vectors);
        let mut rest = wire.rest;
        if let Some(mut usage) = wire.usage_metadata {
            response.usage = take_usage(&mut usage);
            rest.insert("usageMetadata".to_owned(), usage.into());
        }
        response.extra = Extra::from_rest(ID, rest);
        Ok(response)
    }

    fn write_response(&self, response: &EmbeddingsResponse) -> Result<Bytes> {
        let mut out = response.extra.fields(ID).cloned().unwrap_or_default();
        let kept = out.shift_remove("usageMetadata");
        if let Some(usage) = &response.usage {
            let usage = usage_map(usage, kept.as_ref().and_then(Value::as_object));
            out.insert("usageMetadata".to_owned(), usage.into());
        }
        let values = |embedding: &Embedding| json!({"values": embedding.vector});
        let vectors: Vec<_> = response.data.iter().map(values).collect();
        out.insert("embeddings".to_owned(), vectors.into());
        Ok(Value::Object(out).to_string().into())
    }
}

fn asked(
    input: EmbeddingInput,
    model: Option<String>,
    dimensions: Option<u32>,
    rest: Map<String, Value>,
) -> EmbeddingsRequest {
    let model = model.unwrap_or_default();
    let model = model.strip_prefix("models/").unwrap_or(&model);
    let mut request = EmbeddingsRequest::with_input(model, input);
    request.dimensions = dimensions;
    request.extra = Extra::from_rest(ID, rest);
    request
}

fn text_of(content: Option<Content>, param: &str) -> Result<String> {
    let content = content.ok_or_else(|| {
        Error::invalid_request(format!("The request needs `{param}`."))
            .with_code("missing_required_parameter")
            .with_param(param.to_owned())
    })?;
    Ok(content.parts.into_iter().map(|part| part.text).collect())
}

/// What each text is embedded for.
fn options(request: &EmbeddingsRequest) -> Result<Map<String, Value>> {
    let mut rest = request.extra.fields(ID).cloned().unwrap_or_default();
    let origin = request.extra.origin().unwrap_or(ID);
    for name in request.extra.foreign_to(ID) {
        let Some(value) = request
            .extra
            .get(origin, name)
            .filter(|value| !value.is_null())
        else {
            continue;
        };
        match name {
            "task_type" | "taskType" => rest.insert("taskType".to_owned(), value.clone()),
            "title" => rest.insert("title".to_owned(), value.clone()),
            name => {
                let message = format!("Gemini has no way to say `{name}`.");
                return Err(Error::unsupported(name.to_owned(), message));
            }
        };
    }
    Ok(rest)
}

/// The origin of what stays beside the neutral model.
const ID: &str = GEMINI_EMBED.as_str();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::recorded::recordings;

    const CODEC: Embed = Embed::new();

    fn write(request: &EmbeddingsRequest) -> Value {
        let target = TargetModel::new("gemini-embedding-001");
        serde_json::from_slice(&CODEC.write_request(request, &target).unwrap()).unwrap()
    }

    #[test]
    fn each_text_is_a_request_of_the_batch() {
        let mut request = EmbeddingsRequest::new("fast", ["a", "b"]);
        request.dimensions = Some(768);
        request
            .extra
            .insert("openai.embeddings", "task_type", "CLUSTERING".into());
        let written = write(&request);
        assert_eq!(
            written["requests"][1],
            json!({
                "model": "models/gemini-embedding-001",
                "content": {"parts": [{"text": "b"}]},
                "outputDimensionality": 768,
                "taskType": "CLUSTERING",
            })
        );
        let again = CODEC.read_request(written.to_string().as_bytes()).unwrap();
        assert_eq!(again.model, "gemini-embedding-001");
        assert_eq!(write(&again), written);
    }

    #[test]
    fn one_text_is_understood_too() {
        let body =
            br#"{"content":{"parts":[{"text":"a"},{"text":"b"}]},"output_dimensionality":3}"#;
        let request = CODEC.read_request(body).unwrap();
        assert_eq!(request.input, EmbeddingInput::Text("ab".to_owned()));
        assert_eq!(request.dimensions, Some(3));
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        let refused = |request: &EmbeddingsRequest| {
            let target = TargetModel::new("m");
            let error = CODEC.write_request(request, &target).unwrap_err();
            error.param().map(str::to_owned)
        };
        let tokens = EmbeddingsRequest::with_input("m", EmbeddingInput::Tokens(vec![1]));
        assert_eq!(refused(&tokens).as_deref(), Some("input"));
        let mut request = EmbeddingsRequest::new("m", ["a"]);
        request
            .extra
            .insert("openai.embeddings", "truncate", true.into());
        assert_eq!(refused(&request).as_deref(), Some("truncate"));
        let two = br#"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"a"}]},"taskType":"X"}]}"#;
        let error = CODEC.read_request(two).unwrap_err();
        assert_eq!(error.param(), Some("requests[1]"));
    }

    #[test]
    fn recorded_embeddings_mean_the_same_when_written_again() {
        let Some(recorded) = recordings(&["gemini"], "batchEmbedContents", 4) else {
            return;
        };
        for entry in &recorded.entries {
            let body = recorded.load(entry.request.as_ref().unwrap());
            let request = CODEC.read_request(&body).unwrap();
            let written = CODEC
                .write_request(&request, &TargetModel::new(&request.model))
                .unwrap();
            let value = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
            assert_eq!(value(&written), value(&body), "{}", entry.id);
            if entry.status != 200 {
                continue;
            }
            let response = CODEC
                .read_response(&recorded.load(&entry.response))
                .unwrap();
            assert!(!response.data[0].vector.is_empty(), "{}", entry.id);
            let written = CODEC.write_response(&response).unwrap();
            assert_eq!(
                CODEC.read_response(&written).unwrap(),
                response,
                "{}",
                entry.id
            );
        }
    }
}
