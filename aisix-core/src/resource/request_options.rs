use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderName, HeaderValue};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// What is added to the requests for one account, or renamed in them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct RequestOptions {
    /// Top-level fields of the body to send under another name.
    pub param_renames: BTreeMap<String, String>,
    /// Top-level fields to add to the body where the caller has sent none of that name.
    pub default_body_fields: Map<String, Value>,
    /// Headers to add.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    default_headers: Headers,
    /// Headers of the caller to hand on, as globs such as `x-acme-*`. Credentials, cookies,
    /// addresses and what belongs to the connection are never handed on.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    forward_client_headers: Globs,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Headers(Box<[(HeaderName, HeaderValue)]>);

/// Patterns in lower case, as header names are.
#[derive(Clone, Debug, Default, PartialEq)]
struct Globs(Box<[Box<str>]>);

/// What the gateway itself decides on: the connection, the framing, the encoding, the host.
const OF_THE_CONNECTION: [&str; 16] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// What says who the caller is, or proves it.
const OF_THE_CALLER: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "cookie2",
    "set-cookie",
    "forwarded",
    "via",
    "x-real-ip",
    "x-original-forwarded-for",
];

/// What only the gateway may say, and addresses.
const RESERVED_PREFIXES: [&str; 2] = ["x-forwarded-", "x-aisix-"];

// === impl RequestOptions ===

impl RequestOptions {
    /// Whether the caller's header of that name is handed on to the upstream.
    ///
    /// Never for credentials, cookies, the caller's address and what belongs to one connection,
    /// whatever the globs say.
    ///
    /// ```
    /// use aisix_core::resource::RequestOptions;
    /// use http::header::{AUTHORIZATION, HeaderName};
    ///
    /// let options: RequestOptions =
    ///     serde_json::from_str(r#"{"forward_client_headers": ["*"]}"#).unwrap();
    /// assert!(options.forwards(&HeaderName::from_static("x-tenant")));
    /// assert!(!options.forwards(&AUTHORIZATION));
    /// ```
    #[must_use]
    pub fn forwards(&self, name: &HeaderName) -> bool {
        let name = name.as_str();
        self.forward_client_headers
            .0
            .iter()
            .any(|glob| matches(glob.as_bytes(), name.as_bytes()))
            && !is_reserved(name)
    }

    /// Whether any header of the caller may be handed on.
    #[must_use]
    pub fn forwards_any(&self) -> bool {
        !self.forward_client_headers.0.is_empty()
    }

    /// The headers to add, their values marked as sensitive.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.default_headers
            .0
            .iter()
            .map(|(name, value)| (name, value))
    }
}

// === impl Headers ===

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of header names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            headers.push(header(&name, &value).map_err(de::Error::custom)?);
        }
        Ok(Headers(headers.into()))
    }
}

// === impl Globs ===

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let globs = Vec::<String>::deserialize(deserializer)?;
        let lower = globs
            .into_iter()
            .map(|glob| glob.to_ascii_lowercase().into());
        Ok(Self(lower.collect()))
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed =
        HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"))?;
    if OF_THE_CONNECTION.contains(&parsed.as_str()) && parsed != http::header::CONTENT_TYPE {
        return Err(format!(
            "`{name}` belongs to the connection and cannot be set"
        ));
    }
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| format!("the value of `{name}` holds characters that no header may hold"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

fn is_reserved(name: &str) -> bool {
    OF_THE_CONNECTION.contains(&name)
        || OF_THE_CALLER.contains(&name)
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Matches `*` against any run of bytes; linear but for the last star, to which it goes back.
fn matches(glob: &[u8], name: &[u8]) -> bool {
    let (mut g, mut n) = (0, 0);
    let mut retry = None;
    while n < name.len() {
        if glob.get(g) == Some(&b'*') {
            retry = Some((g + 1, n));
            g += 1;
        } else if glob.get(g) == Some(&name[n]) {
            g += 1;
            n += 1;
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            g = after_star;
            n = from + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}
