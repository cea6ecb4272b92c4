//! The hooks as they stand in a gateway.

use std::sync::{Arc, Mutex};

use aisix_core::call::Call;
use aisix_core::config::{Driver, MemoryStore};
use aisix_core::error::{Error, ErrorKind};
use aisix_core::gateway::{Body, Gateway};
use aisix_core::hook::{CallService, check_fn};
use aisix_core::provider::Registry;
use aisix_core::reply::Reply;
use aisix_core::resource::{KeyHash, Kind};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::defaults;
use crate::access_log::{AccessLogLayer, Record};

/// What the hook behind the defaults refuses.
const BANNED: &[u8] = br#""banned"}]}"#;
const REMAINING: &str = "x-ratelimit-remaining-requests";

type Told = Arc<Mutex<Vec<String>>>;

struct Fixture {
    gateway: Gateway,
    told: Told,
    _driver: Driver,
}

async fn fixture(provider: impl CallService) -> Fixture {
    let told = Told::default();
    let writer = Arc::clone(&told);
    let log = AccessLogLayer::new(move |record: &Record<'_>| {
        writer.lock().unwrap().push(format!(
            "{} {} {} {} {}",
            record.outcome().end(),
            record.outcome().status().as_u16(),
            record.caller_id().unwrap_or("-"),
            record.model().unwrap_or("-"),
            record.provider().as_deref().unwrap_or("-"),
        ));
    });
    let key = |key: &str, limits: &Value| {
        let hash = KeyHash::of(key).to_string();
        let allowed = ["fast", "nowhere", "acme/*"];
        json!({"key_hash": hash, "allowed_models": allowed, "rate_limit": limits})
    };
    let model = |name| json!({"display_name": name, "provider": "local", "model_name": "x"});
    let config = MemoryStore::new()
        .with(Kind::ApiKeys, "k", key("sk", &json!({"rpd": 9})))
        // Nothing is ever left of this one, at whatever time of day.
        .with(
            Kind::ApiKeys,
            "spent",
            key("sk-spent", &json!({"concurrency": 0})),
        )
        .with(Kind::Models, "fast", model("fast"))
        .with(Kind::Models, "acme", model("acme/*"));
    let (gateway, driver) = Gateway::builder()
        .config(config)
        .providers(Registry::new().with_service("local", provider))
        .edge_hook(log)
        .hooks(defaults())
        .hook(check_fn(|call: &Call| {
            let is_banned = call.payload().bytes().ends_with(BANNED);
            if is_banned {
                return Err(Error::new(ErrorKind::ContentFilter, "no"));
            }
            Ok(())
        }))
        .build()
        .await
        .unwrap();
    Fixture {
        gateway,
        told,
        _driver: driver,
    }
}

fn healthy() -> impl CallService {
    tower::service_fn(|_: Call| std::future::ready(Ok::<_, Error>(Reply::text("hi"))))
}

impl Fixture {
    async fn post(&self, key: &str, body: String) -> Response<Body> {
        let request = Request::post("/v1/chat/completions")
            .header("authorization", format!("Bearer {key}"))
            .body(body)
            .unwrap();
        match self.gateway.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    async fn ask(&self, key: &str, body: Value) -> Response<Body> {
        self.post(key, body.to_string()).await
    }

    async fn status(&self, key: &str, model: &str) -> u16 {
        let response = self.ask(key, chat(model, "hi")).await;
        let status = response.status().as_u16();
        drop(response.into_body().collect().await);
        status
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

fn chat(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn nothing_is_said_to_a_stranger() {
    let fixture = fixture(healthy()).await;
    for model in ["fast", "secret", "nowhere"] {
        assert_eq!(fixture.status("sk-wrong", model).await, 401);
    }
    assert_eq!(fixture.post("sk-wrong", "{".to_owned()).await.status(), 401);
    assert_eq!(fixture.post("sk", "{".to_owned()).await.status(), 400);
    let refused = "refused 401 - - -";
    assert_eq!(
        fixture.told(),
        [refused, refused, refused, refused, "refused 400 k - -"]
    );
}

#[tokio::test]
async fn what_may_not_be_used_is_not_counted() {
    let fixture = fixture(healthy()).await;
    for _ in 0..3 {
        assert_eq!(fixture.status("sk", "secret").await, 403);
        assert_eq!(fixture.status("sk", "nowhere").await, 404);
    }
    let response = fixture.ask("sk", chat("fast", "hi")).await;
    assert_eq!(response.headers()[REMAINING], "8");
    // A key that has nothing left still learns first that it may not.
    assert_eq!(fixture.status("sk-spent", "fast").await, 429);
    assert_eq!(fixture.status("sk-spent", "secret").await, 403);
    assert_eq!(fixture.status("sk-spent", "nowhere").await, 404);
}

#[tokio::test]
async fn the_log_knows_the_caller_the_model_and_the_provider() {
    let fixture = fixture(healthy()).await;
    assert_eq!(fixture.status("sk", "fast").await, 200);
    assert_eq!(fixture.status("sk", "acme/large").await, 200);
    assert_eq!(fixture.status("sk-spent", "fast").await, 429);
    assert_eq!(
        fixture.told(),
        [
            "complete 200 k fast local",
            "complete 200 k acme/* local",
            "refused 429 spent fast -",
        ]
    );
}

#[tokio::test]
async fn hooks_that_are_added_may_refuse_what_was_admitted() {
    let fixture = fixture(healthy()).await;
    let response = fixture.ask("sk", chat("fast", "banned")).await;
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()[REMAINING], "8");
    assert_eq!(fixture.told(), ["refused 422 k fast -"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_counts_once_however_often_the_upstream_is_asked() {
    let flaky = tower::service_fn(|call: Call| {
        std::future::ready(match call.attempt() {
            2 => Ok(Reply::text("hi")),
            _ => Err(Error::transport("down")),
        })
    });
    let fixture = fixture(flaky).await;
    let response = fixture.ask("sk", chat("fast", "hi")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[REMAINING], "8");
    drop(response.into_body().collect().await.unwrap());
    assert_eq!(fixture.told(), ["complete 200 k fast local"]);
}

#[tokio::test]
async fn a_refusal_by_a_limit_says_when_to_come_back() {
    let fixture = fixture(healthy()).await;
    let response = fixture.ask("sk-spent", chat("fast", "hi")).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["type"], "rate_limit_exceeded");
    assert_eq!(body["error"]["code"], "concurrency_limit_exceeded");
}

#[tokio::test]
async fn the_list_of_models_costs_nothing() {
    let fixture = fixture(healthy()).await;
    for _ in 0..5 {
        let request = Request::get("/v1/models")
            .header("x-api-key", "sk")
            .body(String::new())
            .unwrap();
        let response = fixture.gateway.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(
            !response
                .headers()
                .contains_key("x-ratelimit-limit-requests")
        );
    }
    assert_eq!(fixture.status("sk", "fast").await, 200);
}
