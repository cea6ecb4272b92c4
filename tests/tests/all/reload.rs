//! SIGHUP.

use aisix_tests::client::Client;
use aisix_tests::openai::{ask, ask_stream, completion, held_by};
use aisix_tests::resources::{KEY, MODEL, Resources, UPSTREAM_MODEL};
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, Gate, Upstream};
use aisix_tests::wait::{clear_of_boundary, until};
use serde_json::json;
use std::time::Duration;

async fn pair() -> (Upstream, Server, Resources) {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::over(&upstream);
    let server = Server::start(&resources).await;
    (upstream, server, resources)
}

async fn names(client: &Client) -> Vec<String> {
    let list = client.get("/v1/models").await.ok().json();
    let models = list["data"].as_array().expect("a list");
    models
        .iter()
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn revision(client: &Client) -> u64 {
    client.get("/livez").await.number("x-aisix-config-revision")
}

#[tokio::test]
async fn serves_what_the_file_says_now() {
    let (_upstream, server, resources) = pair().await;
    let client = server.client();
    let before = revision(&client).await;

    let more = resources
        .model("second", "up", "m")
        .api_key("sk-second", &["second"], json!({}));
    server.reload(&more.to_value());
    until("the second model", || async {
        (names(&client).await.len() == 2).then_some(())
    })
    .await;

    assert!(revision(&client).await > before);
    let mut request = ask("Hi");
    request["model"] = json!("second");
    client
        .clone()
        .with_key("sk-second")
        .chat(&request)
        .await
        .ok();
}

#[tokio::test]
async fn takes_away_what_the_file_says_no_longer() {
    let (upstream, server, _) = pair().await;
    let client = server.client();

    let other = Resources::empty()
        .provider_key("up", "openai", &upstream.api_base())
        .model("other", "up", UPSTREAM_MODEL)
        .api_key("sk-other", &["*"], json!({}));
    server.reload(&other.to_value());
    until("the old key to be unknown", || async {
        (client.chat(&ask("Hi")).await.status == 401).then_some(())
    })
    .await;

    let reply = client.with_key("sk-other").chat(&ask("Hi")).await;
    reply.is_error(404, "model_not_found", Some("model_not_found"));
}

#[tokio::test]
async fn refuses_an_invalid_file_whole() {
    let (_upstream, server, resources) = pair().await;
    let client = server.client();
    let before = revision(&client).await;
    let mut wrong_type = resources.clone().model("second", "up", "m").to_value();
    wrong_type["models"][0]["display_name"] = json!(7);
    let mut twice = resources.clone().model("second", "up", "m").to_value();
    twice["models"][1]["display_name"] = json!(MODEL);
    let mut version = resources.to_value();
    version["_format_version"] = json!("99");

    for (at, text) in [
        "models: [".to_owned(),
        String::new(),
        "just a string".to_owned(),
        "_format_version: \"1\"\nmodels: 7\n".to_owned(),
        wrong_type.to_string(),
        twice.to_string(),
        version.to_string(),
    ]
    .iter()
    .enumerate()
    {
        let said = server.log().len();
        server.reload_text(text);
        // The refusal is said aloud: then it has been looked at.
        until("a word about the refused file", || async {
            let log = server.log();
            log[said..]
                .to_lowercase()
                .contains("resources")
                .then_some(())
        })
        .await;
        assert_eq!(revision(&client).await, before, "case {at}");
        assert_eq!(names(&client).await, [MODEL], "case {at}");
        client.chat(&ask("Hi")).await.ok();
    }

    server.reload(&resources.model("second", "up", "m").to_value());
    until("the second model", || async {
        (names(&client).await.len() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn leaves_a_running_stream_alone() {
    let (upstream, server, _) = pair().await;
    let gate = Gate::new();
    upstream.push(held_by(&gate));
    let client = server.client();

    let mut stream = client.open(&ask_stream("Hi")).await;
    stream.next_json().await;
    server.reload(&Resources::empty().to_value());
    until("the key to be unknown", || async {
        (client.get("/v1/models").await.status == 401).then_some(())
    })
    .await;
    gate.open();

    let rest = stream.text().await;
    assert!(rest.ends_with("data: [DONE]\n\n"), "{rest}");
    assert!(rest.contains(MODEL), "{rest}");
}

#[tokio::test]
async fn keeps_what_has_been_counted() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = |limit: u64| {
        Resources::over(&upstream).api_key(
            "sk-limited",
            &["*"],
            json!({"rate_limit": {"rpd": limit}}),
        )
    };
    let server = Server::start(&resources(10)).await;
    let client = server.client().with_key("sk-limited");
    clear_of_boundary(Duration::from_secs(86_400), Duration::from_secs(20)).await;
    for _ in 0..4 {
        client.chat(&ask("Hi")).await.ok();
    }

    let before = revision(&client).await;
    server.reload(&resources(5).to_value());
    until("the new limit", || async {
        (revision(&client).await > before).then_some(())
    })
    .await;

    let fifth = client.chat(&ask("Hi")).await.ok();
    assert_eq!(fifth.number("x-ratelimit-limit-requests"), 5);
    assert_eq!(fifth.number("x-ratelimit-remaining-requests"), 0);
    assert_eq!(client.chat(&ask("Hi")).await.status, 429);
}

#[tokio::test]
async fn lets_a_row_arrive_before_the_row_that_it_refers_to() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let orphan = Resources::empty()
        .model(MODEL, "up", UPSTREAM_MODEL)
        .api_key(KEY, &["*"], json!({}));
    let server = Server::start(&orphan).await;
    let client = server.client();
    assert!(client.chat(&ask("Hi")).await.status >= 400);

    server.reload(&Resources::over(&upstream).to_value());

    until("the model to work", || async {
        (client.chat(&ask("Hi")).await.status == 200).then_some(())
    })
    .await;
}
