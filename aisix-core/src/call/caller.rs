use std::borrow::Cow;
use std::sync::Arc;

use crate::snapshot::ApiKeyEntry;

/// Who calls: the holder of an API key, or code of the host itself.
#[derive(Clone, Debug)]
pub struct Caller {
    identity: Identity,
}

#[derive(Clone, Debug)]
enum Identity {
    Key(Arc<ApiKeyEntry>),
    Service(Cow<'static, str>),
}

impl Caller {
    /// The holder of an API key, with the key's permissions and limits.
    #[must_use]
    pub fn key(entry: Arc<ApiKeyEntry>) -> Self {
        Self {
            identity: Identity::Key(entry),
        }
    }

    /// Code of the host, which may use every model and has no limits of its own; the limits of
    /// the model hold all the same.
    #[must_use]
    pub fn service(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            identity: Identity::Service(name.into()),
        }
    }

    /// The key's id, or the service's name.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.identity {
            Identity::Key(entry) => entry.id().as_str(),
            Identity::Service(name) => name,
        }
    }

    /// The API key, if it is one that calls.
    #[must_use]
    pub fn api_key(&self) -> Option<&Arc<ApiKeyEntry>> {
        match &self.identity {
            Identity::Key(entry) => Some(entry),
            Identity::Service(_) => None,
        }
    }

    /// Whether the caller may use `model`.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        match &self.identity {
            Identity::Key(entry) => entry.allows(model),
            Identity::Service(_) => true,
        }
    }
}
