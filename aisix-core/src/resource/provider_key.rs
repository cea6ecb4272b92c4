use http::Uri;
use serde::Deserialize;

use super::{Invalid, Kind, RequestOptions, Resource, Secret, text};

/// An account at a provider: where it is and what it is paid with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProviderKey {
    /// What people call the account; unique.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub display_name: String,
    /// The vendor: `openai`, `anthropic`, `gemini`, `deepseek`, or any other one together with
    /// `api_base`.
    #[serde(default, deserialize_with = "text::optional")]
    pub provider: Option<String>,
    /// The wire format that the vendor speaks, where it is not the vendor's own: `openai`,
    /// `anthropic` or `gemini`.
    #[serde(default, deserialize_with = "text::optional")]
    pub adapter: Option<String>,
    /// The credential. `${VAR}` is looked up in the gateway's environment and never stored resolved.
    #[serde(default, alias = "secret", deserialize_with = "text::secret")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub api_key: Option<Secret>,
    /// Where the API begins, such as `https://api.openai.com/v1`.
    #[serde(default, deserialize_with = "text::optional")]
    pub api_base: Option<String>,
    /// What is added to requests, or renamed in them.
    #[serde(default)]
    pub request: RequestOptions,
    /// How the upstream's certificate is checked.
    #[serde(default)]
    pub tls: Option<ProviderTls>,
}

/// How the certificate of an upstream is checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderTls {
    /// Authorities to trust beside the usual ones, as PEM.
    pub ca_cert: Option<String>,
    /// Whether to check at all.
    pub verify: bool,
}

impl Default for ProviderTls {
    fn default() -> Self {
        Self {
            ca_cert: None,
            verify: true,
        }
    }
}

impl Resource for ProviderKey {
    const KIND: Kind = Kind::ProviderKeys;

    fn validate(&self) -> Result<(), Invalid> {
        super::read::required("/display_name", &self.display_name)?;
        match &self.api_base {
            Some(base) => check_base(base).map_err(|reason| Invalid::new("/api_base", reason)),
            None => Ok(()),
        }
    }
}

fn check_base(base: &str) -> Result<(), &'static str> {
    const EXPECTED: &str = "expected an http or https URL such as `https://api.openai.com/v1`";

    let uri: Uri = base.parse().map_err(|_| EXPECTED)?;
    let authority = uri.authority().ok_or(EXPECTED)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || authority.host().is_empty() {
        return Err(EXPECTED);
    }
    if authority.as_str().contains('@') {
        return Err("a URL that holds a password is shown in logs; use `api_key`");
    }
    Ok(())
}
