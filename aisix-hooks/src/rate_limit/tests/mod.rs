use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aisix_core::call::{Call, Caller, Operation};
use aisix_core::conversation::Usage;
use aisix_core::dialect;
use aisix_core::error::{Error, ErrorKind, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use aisix_core::resource::{Change, Id, KeyHash, Kind, RateLimit as Limits, Revision, Row};
use aisix_core::snapshot::{ApiKeyEntry, ModelEntry, Snapshot};
use aisix_core::testing::{Delivery, TestCall};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_layer::Layer;

use super::meter::used;
use super::window::Clock;
use super::*;

mod end;
mod limit;
mod race;
mod reload;

/// The beginning of a day.
const MIDNIGHT: u64 = 20_833 * 86_400_000;

/// One key, one model, and a clock that stands still.
struct Fixture {
    clock: Arc<AtomicU64>,
    snapshot: Arc<Snapshot>,
}

impl Fixture {
    /// Holds the key and the model to these limits, a quarter of a second after midnight.
    fn new(key: &Value, model: &Value) -> Self {
        let mut fixture = Self {
            clock: Arc::new(AtomicU64::new(MIDNIGHT + 250)),
            snapshot: Arc::new(Snapshot::empty()),
        };
        fixture.change(key, model);
        fixture
    }

    /// Changes the configuration; what has been counted stays.
    fn change(&mut self, key: &Value, model: &Value) {
        let hash = KeyHash::of("sk").to_string();
        let key = json!({"key_hash": hash, "allowed_models": ["*"], "rate_limit": key});
        let model = json!({
            "display_name": "m", "provider": "mock", "model_name": "demo", "rate_limit": model,
        });
        let revision = Revision::new(self.snapshot.revision().get() + 1);
        let put = |kind, value| Change::Put(Row::new(kind, Id::new("x").unwrap(), value));
        let changes = vec![put(Kind::ApiKeys, key), put(Kind::Models, model)];
        self.snapshot = Arc::new(self.snapshot.apply(revision, changes));
    }

    fn advance(&self, millis: u64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    fn layer(&self) -> RateLimitLayer {
        RateLimitLayer::with_clock(Clock::Manual(Arc::clone(&self.clock)))
    }

    fn key(&self) -> &Arc<ApiKeyEntry> {
        self.snapshot.api_key(&KeyHash::of("sk")).unwrap()
    }

    fn model(&self) -> &Arc<ModelEntry> {
        self.snapshot.model("m").unwrap()
    }

    fn call(&self) -> Call {
        let caller = Caller::key(Arc::clone(self.key()));
        let call = TestCall::chat("m").caller(caller);
        self.resolved(call)
    }

    fn resolved(&self, call: TestCall) -> Call {
        let call = call.build_under(Arc::clone(&self.snapshot));
        call.context().resolve_model(Arc::clone(self.model()));
        call
    }

    /// Asks a model that answers at once.
    async fn ask(&self) -> Result<Delivery> {
        self.ask_for(self.call(), || Ok(answer(0))).await
    }

    async fn ask_for(
        &self,
        call: Call,
        answer: impl Fn() -> Result<Reply> + Clone + Send + Sync + 'static,
    ) -> Result<Delivery> {
        let hook = self.layer().layer(answering(answer));
        let reply = hook.oneshot(call.clone()).await?;
        Ok(Delivery::of(&call, reply))
    }

    /// Asks, and takes the whole answer, which has cost that many tokens.
    async fn spend(&self, tokens: u64) -> Result<()> {
        let delivery = self.ask_for(self.call(), move || Ok(answer(tokens))).await;
        delivery?.finish().await
    }

    fn used_by_key(&self) -> Limits {
        let clock = Clock::Manual(Arc::clone(&self.clock));
        let key = self.key();
        used(key.resource().rate_limit.as_ref(), key.state(), clock.now())
    }

    fn used_by_model(&self) -> Limits {
        let clock = Clock::Manual(Arc::clone(&self.clock));
        let model = self.model();
        used(
            model.resource().rate_limit.as_ref(),
            model.state(),
            clock.now(),
        )
    }
}

/// A whole answer that has cost that many tokens.
fn answer(tokens: u64) -> Reply {
    Reply::wire(
        dialect::OPENAI_CHAT,
        "{}".into(),
        Some(Usage::new(tokens, 0)),
    )
}

fn answering(
    answer: impl Fn() -> Result<Reply> + Clone + Send + Sync + 'static,
) -> impl CallService<Future = Ready<Result<Reply>>> {
    tower::service_fn(move |_: Call| ready(answer()))
}

fn none() -> Value {
    Value::Null
}

/// The header as the caller reads it, from a reply or from an error.
fn header(asked: &Result<Delivery>, name: &str) -> Option<String> {
    let headers = match asked {
        Ok(delivery) => Some(&delivery.meta().headers),
        Err(error) => error.headers(),
    };
    let value = headers?.get(format!("x-ratelimit-{name}"))?;
    Some(value.to_str().unwrap().to_owned())
}

fn headers<const N: usize>(asked: &Result<Delivery>, names: [&str; N]) -> [String; N] {
    names.map(|name| header(asked, name).unwrap_or_else(|| panic!("no {name}: {asked:?}")))
}

fn kind(asked: Result<Delivery>) -> Option<ErrorKind> {
    asked.err().map(|error: Error| error.kind())
}
