//! Rate limits and concurrency limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aisix_tests::client::{Client, Reply};
use aisix_tests::openai::{ask, ask_stream, completion, finish, held_by, role, text, usage_chunk};
use aisix_tests::resources::{MODEL, Resources, UPSTREAM_MODEL};
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, Gate, Upstream};
use aisix_tests::wait::{clear_of_boundary, until};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const LIMITED: &str = "sk-limited";

/// A key with this limit, and an answer of 10 + 20 tokens.
async fn limited(rate_limit: Value) -> (Upstream, Server, Client) {
    let upstream = Upstream::always(Answer::json(completion("Hi", 10, 20).to_string())).await;
    let row = json!({"rate_limit": rate_limit});
    let resources = Resources::over(&upstream).api_key(LIMITED, &["*"], row);
    let server = Server::start(&resources).await;
    let client = server.client().with_key(LIMITED);
    (upstream, server, client)
}

#[track_caller]
fn refused(reply: &Reply) {
    reply.is_error(429, "rate_limit_exceeded", Some("rate_limit_exceeded"));
    let after = reply.number("retry-after");
    assert!((1..=86_400).contains(&after), "{after}");
}

#[tokio::test]
async fn admits_exactly_a_thousand_of_64_racing_tasks() {
    let (upstream, _server, client) = limited(json!({"rpm": 1000})).await;
    clear_of_boundary(MINUTE, Duration::from_secs(25)).await;
    let (admitted, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));

    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (admitted, refused) = (Arc::clone(&admitted), Arc::clone(&refused));
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            // 64 × 18 is more than is admitted.
            for _ in 0..18 {
                match client.chat(&ask("Hi")).await.status {
                    200 => admitted.fetch_add(1, Ordering::Relaxed),
                    429 => refused.fetch_add(1, Ordering::Relaxed),
                    other => panic!("status {other}"),
                };
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }

    assert_eq!(admitted.load(Ordering::Relaxed), 1000);
    assert_eq!(refused.load(Ordering::Relaxed), 152);
    assert_eq!(upstream.calls(), 1000);
}

#[tokio::test]
async fn refuses_what_is_over_each_kind_of_request_limit() {
    for (name, window, need) in [("rpm", MINUTE, 15), ("rph", HOUR, 15), ("rpd", DAY, 15)] {
        let (upstream, _server, client) = limited(json!({name: 2})).await;
        clear_of_boundary(window, Duration::from_secs(need)).await;

        client.chat(&ask("Hi")).await.ok();
        client.chat(&ask("Hi")).await.ok();
        let reply = client.chat(&ask("Hi")).await;

        refused(&reply);
        assert!(reply.number("retry-after") <= window.as_secs(), "{name}");
        assert_eq!(upstream.calls(), 2, "{name}");
    }
}

#[tokio::test]
async fn opens_again_in_the_next_second() {
    let (_upstream, _server, client) = limited(json!({"rps": 1})).await;
    let mut refusals = 0;

    for _ in 0..50 {
        let reply = client.chat(&ask("Hi")).await;
        if reply.status == 429 {
            refused(&reply);
            assert_eq!(reply.number("retry-after"), 1);
            refusals += 1;
            tokio::time::sleep(Duration::from_millis(1050)).await;
            client.chat(&ask("Hi")).await.ok();
            break;
        }
    }
    assert_eq!(refusals, 1, "fifty requests took a second each");
}

#[tokio::test]
async fn says_in_headers_what_is_left() {
    let limit = json!({"rpd": 10, "tpd": 1000, "concurrency": 3});
    let (_upstream, server, client) = limited(limit).await;
    clear_of_boundary(DAY, Duration::from_secs(15)).await;

    let first = client.chat(&ask("Hi")).await.ok();
    let second = client.chat(&ask("Hi")).await.ok();

    for (name, value) in [
        ("x-ratelimit-limit-requests", 10),
        ("x-ratelimit-limit-tokens", 1000),
        ("x-ratelimit-limit-concurrent", 3),
    ] {
        assert_eq!(first.number(name), value, "{name}");
        assert_eq!(second.number(name), value, "{name}");
    }
    assert_eq!(first.number("x-ratelimit-remaining-requests"), 9);
    assert_eq!(second.number("x-ratelimit-remaining-requests"), 8);
    let tokens = |reply: &Reply| reply.number("x-ratelimit-remaining-tokens");
    assert!(
        tokens(&first) <= 1000 && tokens(&first) >= 940,
        "{}",
        tokens(&first)
    );
    assert_eq!(tokens(&first) - tokens(&second), 30);
    for name in ["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"] {
        assert!(
            first.header(name).is_some_and(|value| !value.is_empty()),
            "{name}"
        );
    }
    assert!(first.number("x-ratelimit-remaining-concurrent") <= 3);
    // A key without a limit is not metered.
    let free = server.client().chat(&ask("Hi")).await.ok();
    assert!(
        !free.headers.contains_key("x-ratelimit-limit-requests"),
        "{:?}",
        free.headers
    );
}

#[tokio::test]
async fn shows_the_strictest_limit() {
    let (_upstream, _server, client) = limited(json!({"rpd": 100, "rph": 5})).await;
    clear_of_boundary(HOUR, Duration::from_secs(15)).await;

    let reply = client.chat(&ask("Hi")).await.ok();

    assert_eq!(reply.number("x-ratelimit-limit-requests"), 5);
    assert_eq!(reply.number("x-ratelimit-remaining-requests"), 4);
}

#[tokio::test]
async fn charges_tokens_when_they_are_known() {
    for name in ["tpm", "tpd"] {
        let (upstream, _server, client) = limited(json!({name: 60})).await;
        let window = if name == "tpm" { MINUTE } else { DAY };
        clear_of_boundary(window, Duration::from_secs(15)).await;

        client.chat(&ask("Hi")).await.ok();
        client.chat(&ask("Hi")).await.ok();

        refused(&client.chat(&ask("Hi")).await);
        assert_eq!(upstream.calls(), 2, "{name}");
    }
}

#[tokio::test]
async fn charges_the_tokens_of_a_stream_at_its_end() {
    let (upstream, _server, client) = limited(json!({"tpd": 60})).await;
    clear_of_boundary(DAY, Duration::from_secs(15)).await;
    upstream.push(Answer::events([
        role(),
        text("Hi"),
        finish("stop"),
        usage_chunk(20, 40),
    ]));

    // The caller did not ask for usage, and is charged all the same.
    client.open(&ask_stream("Hi")).await.text().await;

    until("the tokens to be charged", || async {
        (client.chat(&ask("Hi")).await.status == 429).then_some(())
    })
    .await;
    assert!(upstream.calls() <= 2, "{} calls", upstream.calls());
}

#[tokio::test]
async fn holds_a_slot_until_the_last_byte() {
    let (upstream, _server, client) = limited(json!({"concurrency": 2})).await;
    let gate = Gate::new();
    for _ in 0..2 {
        upstream.push(held_by(&gate));
    }

    let mut first = client.open(&ask_stream("Hi")).await;
    first.next_json().await;
    let mut second = client.open(&ask_stream("Hi")).await;
    second.next_json().await;
    let reply = client.chat(&ask("Hi")).await;
    reply.is_error(
        429,
        "rate_limit_exceeded",
        Some("concurrency_limit_exceeded"),
    );
    assert!(reply.number("retry-after") >= 1);
    assert_eq!(upstream.calls(), 2);

    gate.open_for_all();
    first.text().await;
    second.text().await;
    let reply = until("a slot to be free", || async {
        Some(client.chat(&ask("Hi")).await).filter(|reply| reply.status == 200)
    })
    .await;
    assert_eq!(reply.number("x-ratelimit-limit-concurrent"), 2);
}

#[tokio::test]
async fn frees_the_slot_after_an_error_and_after_a_hang_up() {
    let (upstream, _server, client) = limited(json!({"concurrency": 1})).await;
    upstream.push(Answer::error(500, &json!({})));
    assert_eq!(client.chat(&ask("Hi")).await.status, 502);
    upstream.push(Answer::stream().event(&role()).stall());
    let mut stream = client.open(&ask_stream("Hi")).await;
    stream.next_json().await;
    assert_eq!(client.chat(&ask("Hi")).await.status, 429);
    drop(stream);

    until("the slot to be free", || async {
        (client.chat(&ask("Hi")).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn gives_back_what_one_limit_charged_when_another_refuses() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let tight = json!({"rate_limit": {"rpd": 1}});
    let resources = Resources::over(&upstream)
        .model_with("tight", "up", UPSTREAM_MODEL, tight)
        .api_key(LIMITED, &["*"], json!({"rate_limit": {"rpd": 5}}));
    let server = Server::start(&resources).await;
    let client = server.client().with_key(LIMITED);
    clear_of_boundary(DAY, Duration::from_secs(15)).await;
    let on_tight = || {
        let mut request = ask("Hi");
        request["model"] = json!("tight");
        request
    };

    client.chat(&on_tight()).await.ok();
    for _ in 0..6 {
        refused(&client.chat(&on_tight()).await);
    }

    let reply = client.chat(&ask("Hi")).await.ok();
    assert_eq!(reply.number("x-ratelimit-remaining-requests"), 3);
}

#[tokio::test]
async fn counts_a_models_limit_across_keys() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::empty()
        .provider_key("up", "openai", &upstream.api_base())
        .model_with(
            MODEL,
            "up",
            UPSTREAM_MODEL,
            json!({"rate_limit": {"rpd": 2}}),
        )
        .api_key("sk-a", &["*"], json!({}))
        .api_key("sk-b", &["*"], json!({}));
    let server = Server::start(&resources).await;
    clear_of_boundary(DAY, Duration::from_secs(15)).await;
    let client = |key: &str| server.client().with_key(key);

    client("sk-a").chat(&ask("Hi")).await.ok();
    client("sk-b").chat(&ask("Hi")).await.ok();

    refused(&client("sk-a").chat(&ask("Hi")).await);
    refused(&client("sk-b").chat(&ask("Hi")).await);
}

#[tokio::test]
async fn charges_nothing_for_a_request_that_is_malformed() {
    let (_upstream, _server, client) = limited(json!({"rpd": 1})).await;
    clear_of_boundary(DAY, Duration::from_secs(15)).await;

    for _ in 0..3 {
        assert_eq!(client.post("/v1/chat/completions", "{").await.status, 400);
        assert_eq!(
            client
                .chat(&json!({"model": "nope", "messages": [{}]}))
                .await
                .status,
            404
        );
    }

    client.chat(&ask("Hi")).await.ok();
}
