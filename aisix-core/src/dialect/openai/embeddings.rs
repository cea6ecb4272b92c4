use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{self, decode, read_reported, undecodable};
use super::scan;
use super::usage::{TOKENS_OF_CHAT, take_usage};
use crate::conversation::{
    Embedding, EmbeddingEncoding, EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse, Extra,
};
use crate::dialect::{
    Dialect, DialectId, EmbeddingsCodec, EventHead, OPENAI_EMBEDDINGS, ResponseHead, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::{Field, write_string};

/// The format of embeddings: `POST /v1/embeddings`.
///
/// The official SDKs ask for Base64 where their user says nothing, and read nothing else then, so
/// the spelling that the caller asked for is always honoured.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Embeddings;

#[derive(Debug, Deserialize, Serialize)]
struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Input>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Float,
    Base64,
}

#[derive(Debug, Deserialize)]
struct Response {
    #[serde(default, rename = "object")]
    _object: Option<String>,
    model: Option<String>,
    data: Option<Vec<Row>>,
    usage: Option<Map<String, Value>>,
    error: Option<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default, rename = "object")]
    _object: Option<String>,
    index: Option<u32>,
    embedding: Vector,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug)]
struct Vector {
    numbers: Vec<f32>,
    encoding: EmbeddingEncoding,
}

// === impl Embeddings ===

impl Embeddings {
    /// The format as OpenAI speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Embeddings {
    fn id(&self) -> DialectId {
        OPENAI_EMBEDDINGS
    }

    fn input(&self) -> Option<Field> {
        Some(Field::Input)
    }

    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead> {
        scan::scan_response(body)
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

impl EmbeddingsCodec for Embeddings {
    fn read_request(&self, body: &[u8]) -> Result<EmbeddingsRequest> {
        let wire: Request = serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
        let model = wire.model.ok_or_else(|| missing("model"))?;
        let input = wire.input.ok_or_else(|| missing("input"))?;
        let mut request = EmbeddingsRequest::with_input(model, input.into());
        request.encoding = wire.encoding_format.map(Into::into);
        request.dimensions = wire.dimensions;
        request.user = wire.user;
        request.extra = Extra::from_rest(ID, wire.rest);
        Ok(request)
    }

    fn write_request(
        &self,
        request: &EmbeddingsRequest,
        target: &TargetModel<'_>,
    ) -> Result<Bytes> {
        if let Some(name) = request.extra.foreign_to(ID).next() {
            let message = format!("The target's format has no `{name}`.");
            return Err(Error::unsupported(name.to_owned(), message));
        }
        let wire = Request {
            model: Some(target.name().to_owned()),
            input: Some((&request.input).into()),
            encoding_format: request.encoding.map(Into::into),
            dimensions: request.dimensions,
            user: request.user.clone(),
            rest: request.extra.fields(ID).cloned().unwrap_or_default(),
        };
        let body = serde_json::to_vec(&wire).map_err(|error| {
            Error::internal("The request could not be written.").with_source(error)
        })?;
        Ok(body.into())
    }

    fn read_response(&self, body: &[u8]) -> Result<EmbeddingsResponse> {
        let wire: Response = decode(body)?;
        let rows = match (wire.data, wire.error) {
            (Some(rows), _) => rows,
            (None, Some(error)) => return Err(read_reported(error)),
            (None, None) => return Err(undecodable("an answer without data")),
        };
        let mut response = EmbeddingsResponse::new(wire.model.unwrap_or_default(), []);
        let mut rest = wire.rest;
        if let Some(mut usage) = wire.usage {
            response.usage = Some(take_usage(&mut usage, &TOKENS_OF_CHAT));
            rest.insert("usage".to_owned(), usage.into());
        }
        for (place, row) in (0..).zip(rows) {
            if row.embedding.encoding == EmbeddingEncoding::Base64 {
                response.encoding = EmbeddingEncoding::Base64;
            }
            let mut embedding = Embedding::new(row.index.unwrap_or(place), row.embedding.numbers);
            embedding.extra = Extra::from_rest(ID, row.rest);
            response.data.push(embedding);
        }
        response.extra = Extra::from_rest(ID, rest);
        Ok(response)
    }

    fn write_response(&self, response: &EmbeddingsResponse) -> Result<Bytes> {
        let mut out = BytesMut::new();
        out.put_slice(br#"{"object":"list","data":["#);
        for (at, embedding) in response.data.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            write_row(embedding, response.encoding, &mut out)?;
        }
        out.put_slice(br#"],"model":"#);
        write_string(&mut out, &response.model);
        let mut rest = response.extra.fields(ID).cloned().unwrap_or_default();
        let kept = rest.shift_remove("usage");
        if let Some(usage) = &response.usage {
            let mut map = Map::new();
            map.insert("prompt_tokens".to_owned(), usage.input_tokens.into());
            map.insert("total_tokens".to_owned(), usage.total().into());
            if let Some(Value::Object(kept)) = kept {
                map.extend(kept);
            }
            rest.insert("usage".to_owned(), map.into());
        }
        write_members(&rest, &mut out)?;
        out.put_u8(b'}');
        Ok(out.freeze())
    }
}

fn write_row(embedding: &Embedding, encoding: EmbeddingEncoding, out: &mut BytesMut) -> Result<()> {
    out.put_slice(br#"{"object":"embedding","index":"#);
    write_json(&embedding.index, out)?;
    out.put_slice(br#","embedding":"#);
    match encoding {
        EmbeddingEncoding::Float => write_json(&embedding.vector, out)?,
        EmbeddingEncoding::Base64 => {
            let bytes: Vec<u8> = embedding
                .vector
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect();
            out.put_u8(b'"');
            out.put_slice(STANDARD.encode(bytes).as_bytes());
            out.put_u8(b'"');
        }
    }
    if let Some(rest) = embedding.extra.fields(ID) {
        write_members(rest, out)?;
    }
    out.put_u8(b'}');
    Ok(())
}

fn write_members(members: &Map<String, Value>, out: &mut BytesMut) -> Result<()> {
    for (name, value) in members {
        out.put_u8(b',');
        write_string(out, name);
        out.put_u8(b':');
        write_json(value, out)?;
    }
    Ok(())
}

fn write_json(value: &impl Serialize, out: &mut BytesMut) -> Result<()> {
    serde_json::to_writer(out.writer(), value)
        .map_err(|error| Error::internal("The answer could not be written.").with_source(error))
}

/// Names the member that serde stumbled over, as far as a second look finds it.
fn explain(body: &[u8], error: &serde_json::Error) -> Error {
    if !error.is_data() {
        return Error::invalid_request(format!("The body is not valid JSON: {error}"));
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Error::invalid_request("The body is not an object.");
    };
    let culprit = members.into_iter().find_map(|(name, value)| {
        let alone = Value::from(Map::from_iter([(name.clone(), value)]));
        let error = Request::deserialize(alone).err()?;
        Some((name, error))
    });
    match culprit {
        Some((name, error)) => {
            Error::invalid_request(format!("Invalid value for `{name}`: {error}")).with_param(name)
        }
        None => Error::invalid_request(error.to_string()),
    }
}

fn missing(name: &'static str) -> Error {
    Error::invalid_request(format!("The request needs `{name}`."))
        .with_code("missing_required_parameter")
        .with_param(name)
}

// === impl Input, Format, Vector ===

impl From<Input> for EmbeddingInput {
    fn from(input: Input) -> Self {
        match input {
            Input::Text(text) => Self::Text(text),
            Input::Texts(texts) => Self::Texts(texts),
            Input::Tokens(tokens) => Self::Tokens(tokens),
            Input::TokenLists(lists) => Self::TokenLists(lists),
        }
    }
}

impl From<&EmbeddingInput> for Input {
    fn from(input: &EmbeddingInput) -> Self {
        match input {
            EmbeddingInput::Text(text) => Self::Text(text.clone()),
            EmbeddingInput::Texts(texts) => Self::Texts(texts.clone()),
            EmbeddingInput::Tokens(tokens) => Self::Tokens(tokens.clone()),
            EmbeddingInput::TokenLists(lists) => Self::TokenLists(lists.clone()),
        }
    }
}

impl From<Format> for EmbeddingEncoding {
    fn from(format: Format) -> Self {
        match format {
            Format::Float => Self::Float,
            Format::Base64 => Self::Base64,
        }
    }
}

impl From<EmbeddingEncoding> for Format {
    fn from(encoding: EmbeddingEncoding) -> Self {
        match encoding {
            EmbeddingEncoding::Float => Self::Float,
            EmbeddingEncoding::Base64 => Self::Base64,
        }
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VectorVisitor;

        impl<'de> Visitor<'de> for VectorVisitor {
            type Value = Vector;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers, or Base64 of little-endian floats")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vector, A::Error> {
                let mut vector = Vec::with_capacity(numbers.size_hint().unwrap_or(1536));
                while let Some(number) = numbers.next_element()? {
                    vector.push(number);
                }
                Ok(Vector {
                    numbers: vector,
                    encoding: EmbeddingEncoding::Float,
                })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vector, E> {
                let bytes = STANDARD.decode(text).map_err(E::custom)?;
                let (numbers, rest) = bytes.as_chunks();
                if !rest.is_empty() {
                    return Err(E::custom("not a whole number of 32-bit floats"));
                }
                Ok(Vector {
                    numbers: numbers.iter().copied().map(f32::from_le_bytes).collect(),
                    encoding: EmbeddingEncoding::Base64,
                })
            }
        }

        deserializer.deserialize_any(VectorVisitor)
    }
}

/// The origin of what stays beside the neutral model.
const ID: &str = OPENAI_EMBEDDINGS.as_str();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai::OPENAI_VENDORS;
    use crate::dialect::recorded::recordings;

    const CODEC: Embeddings = Embeddings::new();

    #[test]
    fn each_form_of_input_is_kept() {
        for input in [r#""a""#, r#"["a","b"]"#, "[1,2]", "[[1],[2,3]]"] {
            let body = format!(r#"{{"model":"m","input":{input},"encoding_format":"base64"}}"#);
            let request = CODEC.read_request(body.as_bytes()).unwrap();
            let written = CODEC
                .write_request(&request, &TargetModel::new(&request.model))
                .unwrap();
            assert_eq!(str::from_utf8(&written).unwrap(), body);
        }
    }

    #[test]
    fn a_bad_parameter_is_named() {
        let param = |body: &str| {
            let error = CODEC.read_request(body.as_bytes()).unwrap_err();
            assert_eq!(error.status(), 400);
            error.param().map(str::to_owned)
        };
        assert_eq!(param(r#"{"input":"a"}"#).as_deref(), Some("model"));
        assert_eq!(param(r#"{"model":"m"}"#).as_deref(), Some("input"));
        assert_eq!(
            param(r#"{"model":"m","input":{}}"#).as_deref(),
            Some("input")
        );
        let format = r#"{"model":"m","input":"a","encoding_format":"int8"}"#;
        assert_eq!(param(format).as_deref(), Some("encoding_format"));
        assert_eq!(param("{").as_deref(), None);
    }

    #[test]
    fn base64_is_little_endian_floats_both_ways() {
        let body = br#"{"data":[{"index":0,"embedding":[1.0,-2.5]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
        let floats = CODEC.read_response(body).unwrap();
        assert_eq!(floats.usage().input_tokens, 3);
        let base64 = floats.clone().with_encoding(EmbeddingEncoding::Base64);
        let written = CODEC.write_response(&base64).unwrap();
        // 1.0 is 00 00 80 3f, -2.5 is 00 00 20 c0.
        let text = str::from_utf8(&written).unwrap();
        assert!(text.contains(r#""embedding":"AACAPwAAIMA=""#));
        assert_eq!(CODEC.read_response(&written).unwrap(), base64);
        let written = CODEC.write_response(&floats).unwrap();
        assert_eq!(CODEC.read_response(&written).unwrap(), floats);
    }

    #[test]
    fn recorded_embeddings_mean_the_same_when_written_again() {
        let Some(recorded) = recordings(OPENAI_VENDORS, "embeddings", 5) else {
            return;
        };
        for entry in recorded.entries.iter().filter(|entry| entry.status == 200) {
            if let Some(file) = &entry.request {
                let body = recorded.load(file);
                let request = CODEC.read_request(&body).unwrap();
                let written = CODEC
                    .write_request(&request, &TargetModel::new(&request.model))
                    .unwrap();
                let value = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
                assert_eq!(value(&written), value(&body), "{}", entry.id);
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

    #[test]
    fn a_cut_vector_is_refused() {
        let body = br#"{"data":[{"index":0,"embedding":"AACAPwA="}],"model":"m"}"#;
        let error = CODEC.read_response(body).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::UpstreamDecode);
    }
}
