use std::borrow::Cow;

use aisix_core::call::{Operation, Payload};
use aisix_core::dialect::openai::Responses;
use aisix_core::dialect::{self, ChatCodec, DialectId, TargetModel};
use aisix_core::error::Result;
use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};
use bytes::Bytes;
use memchr::memmem;

use crate::credential::bearer;
use crate::url::ApiBase;

/// OpenAI, or a vendor that speaks as OpenAI does.
///
/// What a vendor adds to the dialect passes through, known or unknown. A vendor that is not in
/// [`vendors`](crate::vendors) needs no code: its provider key gives an `api_base`.
///
/// Source: <https://platform.openai.com/docs/api-reference>.
#[derive(Clone, Debug)]
#[must_use]
pub struct OpenAi {
    name: Cow<'static, str>,
    api_base: Cow<'static, str>,
    tells_usage_on_request: bool,
    /// Whether it speaks all of OpenAI's formats of chats, not only chat completions.
    speaks_all: bool,
}

impl OpenAi {
    /// OpenAI itself.
    pub fn new() -> Self {
        Self {
            speaks_all: true,
            ..Self::compatible("openai", "https://api.openai.com/v1")
        }
    }

    /// The vendor `name`, at `api_base` unless its provider key says otherwise.
    pub fn compatible(
        name: impl Into<Cow<'static, str>>,
        api_base: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            api_base: api_base.into(),
            tells_usage_on_request: true,
            speaks_all: false,
        }
    }

    /// Never asks for the usage of a stream, for vendors that refuse `stream_options` or tell it
    /// in any case.
    pub fn without_stream_options(mut self) -> Self {
        self.tells_usage_on_request = false;
        self
    }
}

impl Default for OpenAi {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat if self.speaks_all => &[
                dialect::OPENAI_CHAT,
                dialect::OPENAI_RESPONSES,
                dialect::OPENAI_COMPLETIONS,
            ],
            Operation::Chat => &[dialect::OPENAI_CHAT],
            Operation::Embeddings => &[dialect::OPENAI_EMBEDDINGS],
            _ => &[],
        }
    }

    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        let base = ApiBase::parse(target.api_base_or(&self.api_base))?;
        bearer(Endpoint::post_uri(base.join(spec.openai_path())?)?, target)
    }

    fn tells_usage_on_request(&self) -> bool {
        self.tells_usage_on_request
    }

    /// Takes out of a conversation that another vendor began what only that vendor can read: the
    /// gateway put it where OpenAI expects a token of its own.
    fn adapt(&self, _: Operation, payload: &Payload) -> Result<Option<Bytes>> {
        let is_ours = payload.dialect() == dialect::OPENAI_RESPONSES;
        if !is_ours || memmem::find(payload.bytes(), FOREIGN_PROOF).is_none() {
            return Ok(None);
        }
        let codec = Responses::new();
        let request = codec.read_request(payload.bytes())?;
        let target = TargetModel::new(&request.model);
        let (bytes, _) = codec.write_request(&request, &target)?;
        Ok(Some(bytes))
    }
}

const FOREIGN_PROOF: &[u8] = b"\"aisix:";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_openai_itself_is_asked_in_all_of_its_formats() {
        let own = OpenAi::new();
        let dialects = own.dialects(Operation::Chat);
        assert_eq!(dialects[0], dialect::OPENAI_CHAT);
        assert!(dialects.contains(&dialect::OPENAI_RESPONSES));
        assert!(dialects.contains(&dialect::OPENAI_COMPLETIONS));
        let other = OpenAi::compatible("groq", "https://api.groq.com/openai/v1");
        assert_eq!(other.dialects(Operation::Chat), [dialect::OPENAI_CHAT]);
    }

    #[test]
    fn the_proofs_of_other_vendors_are_not_sent() {
        let adapt = |content: &str| {
            let body = json!({"model": "m", "store": true, "x": 1, "input": [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": content},
                {"role": "user", "content": "Hi"},
            ]});
            let payload = Payload::new(&Responses, body.to_string().into());
            let bytes = OpenAi::new().adapt(Operation::Chat, &payload).unwrap()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        assert_eq!(adapt("gAAAA"), None);
        assert_eq!(
            adapt("aisix:thoughts:Eq="),
            Some(json!({
                "model": "m", "store": true, "x": 1,
                "input": [{"role": "user", "content": "Hi"}],
            }))
        );
    }
}
