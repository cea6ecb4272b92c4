//! A well-behaved caller on hyper.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Legacy, Error};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::resources::KEY;
use crate::wait::soon;

/// A client with a key. Clones share the pool of connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: Legacy<HttpConnector, Full<Bytes>>,
    addr: SocketAddr,
    headers: HeaderMap,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer whose body is still coming. Dropping it hangs up.
#[derive(Debug)]
pub struct Streamed {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    buffer: BytesMut,
}

// === impl Client ===

impl Client {
    /// A client of `addr` with [`KEY`].
    pub fn new(addr: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: Legacy::builder(TokioExecutor::new()).build(connector),
            addr,
            headers: HeaderMap::new(),
        }
        .with_key(KEY)
    }

    /// Sends another key.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        self.with(AUTHORIZATION.as_str(), &format!("Bearer {key}"))
    }

    /// Sends no key.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.headers.remove(AUTHORIZATION);
        self
    }

    /// Sends a header with each request.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name: http::HeaderName = name.parse().expect("a header name");
        self.headers
            .insert(name, value.parse().expect("a header value"));
        self
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// GET that may fail to connect.
    pub async fn try_get(&self, path: &str) -> Result<Reply, Error> {
        let response = self
            .http
            .request(self.request(Method::GET, path, Bytes::new()))
            .await?;
        Ok(Reply::collect(response).await)
    }

    /// POST of JSON bytes.
    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send(Method::POST, path, body.into()).await
    }

    /// POST `/v1/chat/completions`.
    pub async fn chat(&self, body: &Value) -> Reply {
        self.post("/v1/chat/completions", body.to_string()).await
    }

    /// POST `/v1/embeddings`.
    pub async fn embeddings(&self, body: &Value) -> Reply {
        self.post("/v1/embeddings", body.to_string()).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, body: Bytes) -> Reply {
        let what = format!("the answer to {method} {path}");
        let response = soon(&what, self.http.request(self.request(method, path, body))).await;
        Reply::collect(response.unwrap_or_else(|error| panic!("{what}: {error:?}"))).await
    }

    /// POST `/v1/chat/completions`, and reads no further than the headers.
    pub async fn open(&self, body: &Value) -> Streamed {
        self.open_bytes("/v1/chat/completions", body.to_string())
            .await
    }

    /// POST of any bytes, and reads no further than the headers.
    pub async fn open_bytes(&self, path: &str, body: impl Into<Bytes>) -> Streamed {
        let request = self.request(Method::POST, path, body.into());
        let response = soon("the headers of a stream", self.http.request(request)).await;
        let (parts, body) = response.expect("the gateway answers").into_parts();
        Streamed {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            buffer: BytesMut::new(),
        }
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path}", self.addr)
            .parse()
            .expect("a URI");
        *request.headers_mut() = self.headers.clone();
        request
            .headers_mut()
            .entry(CONTENT_TYPE)
            .or_insert(http::HeaderValue::from_static("application/json"));
        request
    }
}

// === impl Reply ===

impl Reply {
    async fn collect(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = soon("the rest of an answer", body.collect()).await;
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.expect("a whole body").to_bytes(),
        }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("header text"))
    }

    /// A header as a number.
    #[track_caller]
    pub fn number(&self, name: &str) -> u64 {
        let value = self.header(name);
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("{name} is {value:?} in {:?}", self.headers))
    }

    /// Fails unless the status is 200; returns itself.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text());
        self
    }

    /// Fails unless this is an error of OpenAI's shape with these words; returns the `error`
    /// member. `code` and `param` are compared as JSON: `None` is null.
    #[track_caller]
    pub fn is_error(&self, status: u16, kind: &str, code: Option<&str>) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let content_type = self.header("content-type").unwrap_or_default();
        assert!(
            content_type.starts_with("application/json"),
            "{content_type}"
        );
        let body = self.json();
        let error = &body["error"];
        assert_eq!(error["type"], kind, "{body}");
        assert_eq!(error["code"].as_str(), code, "{body}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        for key in ["message", "type", "param", "code"] {
            assert!(error.get(key).is_some(), "no `{key}` in {body}");
        }
        error.clone()
    }
}

// === impl Streamed ===

impl Streamed {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("header text"))
    }

    /// The next event with its blank line; `None` at the end of the body.
    pub async fn next_event(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.buffer.split_to(end + 2);
                return Some(String::from_utf8(event.to_vec()).expect("UTF-8"));
            }
            match soon("the next event", self.body.frame()).await {
                Some(frame) => {
                    let frame = frame.expect("an unbroken body");
                    self.buffer
                        .extend_from_slice(frame.data_ref().expect("no trailers"));
                }
                None if self.buffer.is_empty() => return None,
                None => {
                    let rest = self.buffer.split();
                    return Some(String::from_utf8_lossy(&rest).into_owned());
                }
            }
        }
    }

    /// The JSON of the next event, comments passed over.
    pub async fn next_json(&mut self) -> Value {
        loop {
            let event = self.next_event().await.expect("one more event");
            if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                return serde_json::from_str(data)
                    .unwrap_or_else(|error| panic!("{error} in {data:?}"));
            }
        }
    }

    /// Everything that is still to come. A body that breaks off ends what is returned, and the
    /// second value says so.
    pub async fn rest(mut self) -> (Vec<u8>, bool) {
        let mut all = self.buffer.to_vec();
        loop {
            match soon("the rest of a stream", self.body.frame()).await {
                Some(Ok(frame)) => all.extend_from_slice(frame.data_ref().expect("no trailers")),
                Some(Err(_)) => return (all, true),
                None => return (all, false),
            }
        }
    }

    /// Everything that is still to come, as text; fails if the body breaks off.
    pub async fn text(self) -> String {
        let (bytes, broken) = self.rest().await;
        assert!(
            !broken,
            "broke off after {:?}",
            String::from_utf8_lossy(&bytes)
        );
        String::from_utf8(bytes).expect("UTF-8")
    }
}
