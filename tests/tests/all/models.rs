//! `GET /v1/models` and `GET /v1/models/{id}`.

use aisix_tests::resources::{MODEL, Resources};
use aisix_tests::server::Server;
use aisix_tests::upstream::Upstream;
use serde_json::json;

async fn three() -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream)
        .model("zeta", "up", "z")
        .model("alpha", "up", "a")
        .api_key("sk-metered", &["*"], json!({"rate_limit": {"rpd": 1}}));
    let server = Server::start(&resources).await;
    (upstream, server)
}

#[tokio::test]
async fn lists_the_models_by_name() {
    let (upstream, server) = three().await;

    let list = server.client().get("/v1/models").await.ok().json();

    assert_eq!(list["object"], "list");
    let models = list["data"].as_array().expect("a list");
    let ids: Vec<_> = models
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["alpha", MODEL, "zeta"]);
    for model in models {
        assert_eq!(model["object"], "model");
        assert!(model["created"].is_u64(), "{model}");
        assert!(model["owned_by"].is_string(), "{model}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn shows_one_model_also_when_its_name_has_a_slash() {
    let (_upstream, server) = three().await;
    let client = server.client();

    for path in [
        "/v1/models/team/gpt",
        "/v1/models/team%2Fgpt",
        "/v1/models/team%2fgpt",
    ] {
        let model = client.get(path).await.ok().json();
        assert_eq!(model["id"], MODEL, "{path}");
        assert_eq!(model["object"], "model");
    }
    for path in [
        "/v1/models/team",
        "/v1/models/team/gpt/x",
        "/v1/models/team/*",
    ] {
        let reply = client.get(path).await;
        reply.is_error(404, "model_not_found", Some("model_not_found"));
    }
}

#[tokio::test]
async fn asks_for_a_key_and_costs_nothing() {
    let (_upstream, server) = three().await;

    let reply = server.client().without_key().get("/v1/models").await;
    reply.is_error(401, "invalid_api_key", Some("invalid_api_key"));
    let metered = server.client().with_key("sk-metered");
    for _ in 0..5 {
        metered.get("/v1/models").await.ok();
        metered.get("/v1/models/alpha").await.ok();
    }
}
