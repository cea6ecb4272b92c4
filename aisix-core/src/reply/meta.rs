use http::{HeaderMap, StatusCode};

use crate::conversation::Usage;

/// What is known about an answer beside the answer itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReplyMeta {
    /// The status of the response.
    pub status: StatusCode,
    /// Headers for the caller, beside those that the gateway sets itself.
    pub headers: HeaderMap,
    /// The tokens used, when they are known before the body has been delivered.
    pub usage: Option<Usage>,
}
