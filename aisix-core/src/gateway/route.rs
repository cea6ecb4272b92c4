use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Uri};

use crate::call::Operation;
use crate::dialect::{self, DialectId};
use crate::error::{Error, ErrorKind};

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// To an operation in a dialect.
    Operation(Operation, DialectId),
    /// To the model that the path names.
    Model(Cow<'a, str>),
    /// To a path of the gateway's, by a method that it does not take.
    WrongMethod,
    /// Elsewhere.
    Other,
}

impl<'a> Route<'a> {
    pub(super) fn of(method: &Method, uri: &'a Uri) -> Self {
        let Some(path) = uri.path().strip_prefix("/v1/") else {
            return Self::Other;
        };
        let route = match (path, path.strip_prefix("models/")) {
            ("models", _) => Self::Operation(Operation::ListModels, dialect::OPENAI_CHAT),
            (_, Some(name)) if !name.is_empty() => Self::Model(decode(name)),
            _ => match BODIES.iter().find(|(known, ..)| *known == path) {
                Some((_, operation, dialect)) => Self::Operation(*operation, *dialect),
                None => return Self::Other,
            },
        };
        if *method == route.method() {
            route
        } else {
            Self::WrongMethod
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Operation(operation, _) if operation.has_body() => Method::POST,
            _ => Method::GET,
        }
    }

    /// The dialect of who asks at this path, or near it.
    pub(super) fn dialect_at(uri: &Uri) -> DialectId {
        let below = uri.path().strip_prefix("/v1/").unwrap_or_default();
        let first = below.split('/').next();
        let known = BODIES.iter().find(|(known, ..)| first == Some(known));
        known.map_or(dialect::OPENAI_CHAT, |(_, _, dialect)| *dialect)
    }

    /// Why there is nothing to be had.
    pub(super) fn error(method: &Method, uri: &Uri, wrong_method: bool) -> Error {
        let path = uri.path();
        if wrong_method {
            let below = path.strip_prefix("/v1/").unwrap_or_default();
            let allowed = match BODIES.iter().any(|(known, ..)| *known == below) {
                true => "POST",
                false => "GET",
            };
            let mut headers = HeaderMap::new();
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            let message = format!("{method} is not allowed for {path}.");
            Error::new(ErrorKind::MethodNotAllowed, message).with_headers(headers)
        } else {
            Error::new(
                ErrorKind::RouteNotFound,
                format!("Invalid URL ({method} {path})"),
            )
        }
    }
}

/// The paths below `/v1/` that take a body.
const BODIES: [(&str, Operation, DialectId); 6] = [
    ("chat/completions", Operation::Chat, dialect::OPENAI_CHAT),
    ("completions", Operation::Chat, dialect::OPENAI_COMPLETIONS),
    (
        "embeddings",
        Operation::Embeddings,
        dialect::OPENAI_EMBEDDINGS,
    ),
    ("messages", Operation::Chat, dialect::ANTHROPIC_MESSAGES),
    (
        "messages/count_tokens",
        Operation::CountTokens,
        dialect::ANTHROPIC_COUNT_TOKENS,
    ),
    ("responses", Operation::Chat, dialect::OPENAI_RESPONSES),
];

/// Decodes percent signs, as official SDKs send the `/` of a model's name; what is no UTF-8 then
/// stays as it is, and names no model.
fn decode(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let decoded = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match decoded.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(segment), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &Method, uri: &'static str) -> String {
        format!("{:?}", Route::of(method, &Uri::from_static(uri)))
    }

    #[test]
    fn finds_operations_by_path_and_method() {
        let chat = Route::Operation(Operation::Chat, dialect::OPENAI_CHAT);
        assert_eq!(
            route(&Method::POST, "/v1/chat/completions?beta=true"),
            format!("{chat:?}")
        );
        assert_eq!(route(&Method::GET, "/v1/chat/completions"), "WrongMethod");
        assert_eq!(route(&Method::GET, "/v1/chat"), "Other");
        assert_eq!(route(&Method::GET, "/"), "Other");
        assert_eq!(route(&Method::GET, "/v1/models/"), "Other");
    }

    #[test]
    fn takes_the_rest_of_the_path_as_the_name_of_a_model() {
        let named = |uri| match Route::of(&Method::GET, &Uri::from_static(uri)) {
            Route::Model(name) => name.into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(named("/v1/models/vendor/gpt"), "vendor/gpt");
        assert_eq!(named("/v1/models/vendor%2Fgpt%204"), "vendor/gpt 4");
        assert_eq!(named("/v1/models/50%"), "50%");
        assert_eq!(named("/v1/models/%ff"), "%ff");
    }
}
