//! `/v1/responses` and the legacy `/v1/completions`, in front of every vendor.

use aisix_tests::client::Reply;
use aisix_tests::openai::{finish, held_by, role, text};
use aisix_tests::resources::KEY;
use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::server::Server;
use aisix_tests::splice::{events, with_model};
use aisix_tests::upstream::{Answer, Gate, Upstream};
use aisix_tests::vendors::{self, Vendor};
use serde_json::{Value, json};

async fn post(server: &Server, request: &Value) -> Reply {
    let client = server.client();
    client.post("/v1/responses", request.to_string()).await
}

fn ask(vendor: Vendor) -> Value {
    json!({"model": vendor.model(), "input": "Hi"})
}

fn with(mut request: Value, more: Value) -> Value {
    aisix_tests::resources::merge(&mut request, more);
    request
}

/// OpenAI itself beside the other vendors, as the model `native`.
async fn native() -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let resources = vendors::resources(&upstream)
        .provider_key("native", "openai", &upstream.api_base())
        .model("native", "native", Vendor::OpenAi.upstream_model());
    let server = Server::start(&resources).await;
    (upstream, server)
}

// === what passes ===

#[tokio::test]
async fn passes_the_words_of_openai_both_ways() {
    let (upstream, server) = native().await;
    let answer = r#"{ "id":"resp_1","object":"response", "model" : "gpt-4o-2024-08-06","output":[],"novel":{"x":1.50},"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}"#;
    upstream.push(Answer::json(answer));
    let request = r#"{ "model" : "native", "previous_response_id":"resp_0","store":true,"novel":1.50,"input":"é"}"#;

    let reply = server.client().post("/v1/responses", request).await.ok();

    assert_eq!(
        reply.text().as_bytes(),
        with_model(answer.as_bytes(), "native")
    );
    let seen = upstream.next_request().await;
    assert_eq!(seen.uri.path(), "/v1/responses");
    let want = with_model(request.as_bytes(), Vendor::OpenAi.upstream_model());
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&want)
    );
}

#[tokio::test]
async fn passes_the_stream_of_openai_but_for_the_model() {
    let (upstream, server) = native().await;
    let answer = vendors::responses_stream("Hi");
    upstream.push(answer.clone());

    let request = json!({"model": "native", "input": "Hi", "stream": true});
    let reply = post(&server, &request).await.ok();

    let want = String::from_utf8(answer.bytes()).unwrap();
    let want = want.replace(Vendor::OpenAi.upstream_model(), "native");
    assert_eq!(reply.text(), want);
}

#[tokio::test]
async fn every_vendor_answers() {
    let (upstream, server) = vendors::start().await;
    for sdk in Sdk::ALL {
        let mut job = Job::new(&server.base_url());
        for vendor in Vendor::ALL {
            upstream.push(vendor.says("It passes now.", 3, 2));
            upstream.push(vendors::stream_of(vendor.model()));
            job = job
                .op("responses", ask(vendor))
                .op("responses_stream_helper", ask(vendor));
        }
        for (at, read) in sdk.run(&job).await.iter().enumerate() {
            let response = read["ok"].get("final").unwrap_or(&read["ok"]);
            let part = &response["output"][0]["content"][0];
            assert_eq!(part["text"], "It passes now.", "{sdk:?} {at}: {read}");
            assert_eq!(response["status"], "completed", "{sdk:?} {at}: {read}");
            assert_eq!(
                response["model"],
                Vendor::ALL[at / 2].model(),
                "{sdk:?} {at}"
            );
            assert_eq!(response["usage"]["total_tokens"], 5, "{sdk:?} {at}: {read}");
        }
    }
}

// === what is refused ===

#[tokio::test]
async fn refuses_what_would_need_a_memory() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        for (param, more) in [
            (
                "previous_response_id",
                json!({"previous_response_id": "resp_0"}),
            ),
            ("conversation", json!({"conversation": "conv_0"})),
            ("background", json!({"background": true})),
            ("prompt", json!({"prompt": {"id": "pmpt_0"}})),
            ("store", json!({"store": true})),
        ] {
            let reply = post(&server, &with(ask(vendor), more)).await;
            let code = Some("unsupported_parameter");
            let error = reply.is_error(400, "invalid_request_error", code);
            assert_eq!(error["param"], param, "{vendor:?}");
        }
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn refuses_the_vendors_own_tools_by_name() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        let tool = json!({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]});
        let reply = post(&server, &with(ask(vendor), tool)).await;
        assert_eq!(reply.status, 400, "{vendor:?}: {}", reply.text());
        let param = reply.json()["error"]["param"].as_str().map(str::to_owned);
        let param = param.unwrap_or_default();
        assert!(param.starts_with("tools"), "{vendor:?}: {}", reply.text());
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn raises_the_right_exception() {
    let upstream = Upstream::start().await;
    let resources = vendors::resources(&upstream)
        .api_key("sk-other", &["other"], json!({}))
        .api_key("sk-none-left", &["*"], json!({"rate_limit": {"rpd": 0}}));
    let server = Server::start(&resources).await;
    let claude = Vendor::Anthropic.model();
    for sdk in Sdk::ALL {
        for (key, model, class, kind) in [
            (
                "sk-unknown",
                claude,
                "AuthenticationError",
                "invalid_api_key",
            ),
            (
                "sk-other",
                claude,
                "PermissionDeniedError",
                "permission_denied",
            ),
            (KEY, "nope", "NotFoundError", "model_not_found"),
            (
                "sk-none-left",
                claude,
                "RateLimitError",
                "rate_limit_exceeded",
            ),
            (KEY, "", "BadRequestError", "invalid_request_error"),
        ] {
            let request = json!({"model": model, "input": "Hi"});
            let job = Job::new(&server.base_url())
                .key(key)
                .op("responses", request.clone())
                .op("responses_stream", request);
            for read in sdk.run(&job).await {
                assert_eq!(read["error"]["class"], class, "{sdk:?}: {read}");
                assert_eq!(read["error"]["type"], kind, "{sdk:?}: {read}");
                assert!(read["error"]["request_id"].is_string(), "{sdk:?}: {read}");
            }
        }
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn passes_on_what_the_upstream_refuses() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        for status in [400, 403, 404, 429] {
            upstream.push(vendor.refuses(status, "The upstream's words"));
            let reply = post(&server, &ask(vendor)).await;
            assert_eq!(reply.status, status, "{vendor:?}: {}", reply.text());
            let error = &reply.json()["error"];
            assert_eq!(error["message"], "The upstream's words", "{vendor:?}");
        }
        upstream.push(Answer::body(500, "text/html", "<html>db-7.internal</html>"));
        let reply = post(&server, &ask(vendor)).await;
        reply.is_error(502, "upstream_error", None);
    }
}

// === streams ===

#[tokio::test]
async fn tells_of_a_stream_that_is_cut() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        upstream.push(vendor.breaks_off("half a wo"));
        let request = with(ask(vendor), json!({"stream": true})).to_string();

        let reply = server.client().open_bytes("/v1/responses", request).await;
        assert_eq!(reply.status, 200, "{vendor:?}");
        let (body, _) = reply.rest().await;

        let said = String::from_utf8_lossy(&body).into_owned();
        assert!(said.contains("half a wo"), "{vendor:?}: {said}");
        assert!(!said.contains("response.completed"), "{vendor:?}: {said}");
        let kinds: Vec<_> = events(&body)
            .iter()
            .map(|event| event["type"].clone())
            .collect();
        assert!(kinds.contains(&json!("error")), "{vendor:?}: {kinds:?}");
    }
}

#[tokio::test]
async fn raises_in_the_middle_of_a_stream() {
    let (upstream, server) = vendors::start().await;
    for sdk in Sdk::ALL {
        let mut job = Job::new(&server.base_url());
        for vendor in Vendor::ALL {
            for op in ["responses_stream", "responses_stream_helper"] {
                upstream.push(vendor.breaks_off("half a wo"));
                job = job.op(op, ask(vendor));
            }
        }
        for read in sdk.run(&job).await {
            assert!(read["error"]["class"].is_string(), "{sdk:?}: {read}");
        }
    }
}

#[tokio::test]
async fn gives_an_error_at_the_head_of_openais_stream_its_status() {
    let (upstream, server) = native().await;
    let nested = json!({"type": "error", "sequence_number": 0, "error": {
        "type": "insufficient_quota", "code": "insufficient_quota", "message": "Pay.", "param": null,
    }});
    let flat = json!({"type": "error", "code": "rate_limit_exceeded", "message": "Wait.",
        "param": null, "sequence_number": 0});
    for (event, message) in [(nested, "Pay."), (flat, "Wait.")] {
        upstream.push(aisix_tests::anthropic::events([event]));
        let request = json!({"model": "native", "input": "Hi", "stream": true});
        let reply = post(&server, &request).await;
        assert_eq!(reply.status, 429, "{}", reply.text());
        assert_eq!(reply.json()["error"]["message"], message);
    }
}

#[tokio::test]
async fn keeps_a_silent_stream_alive_with_comments() {
    let keep_alive = json!({"downstream": {"sse_keepalive_interval_secs": 1}});
    let (upstream, server) = vendors::start_with(|builder| builder.config(keep_alive)).await;
    let gate = Gate::new();
    upstream.push(held_by(&gate));

    let request = with(ask(Vendor::OpenAi), json!({"stream": true})).to_string();
    let mut reply = server.client().open_bytes("/v1/responses", request).await;
    let silent = loop {
        let event = reply.next_event().await.expect("a comment");
        if event.starts_with(':') {
            break event;
        }
    };
    gate.open();

    assert!(silent.ends_with("\n\n"), "{silent:?}");
    assert!(reply.text().await.contains("response.completed"));
}

// === legacy completions ===

#[tokio::test]
async fn completes_a_prompt_with_every_vendor() {
    let (upstream, server) = vendors::start().await;
    for sdk in Sdk::ALL {
        let mut job = Job::new(&server.base_url());
        for vendor in Vendor::ALL {
            upstream.push(vendor.says("It passes now.", 3, 2));
            upstream.push(vendors::stream_of(vendor.model()));
            let request = json!({"model": vendor.model(), "prompt": "Hi", "max_tokens": 5});
            job = job
                .op("completions", request.clone())
                .op("completions_stream", request);
        }
        for pair in sdk.run(&job).await.chunks(2) {
            let whole = &pair[0]["ok"];
            assert_eq!(
                whole["choices"][0]["text"], "It passes now.",
                "{sdk:?}: {}",
                pair[0]
            );
            assert_eq!(whole["usage"]["total_tokens"], 5, "{sdk:?}: {whole}");
            let chunks = pair[1]["ok"].as_array().cloned().unwrap_or_default();
            let streamed: String = chunks
                .iter()
                .filter_map(|chunk| chunk["choices"][0]["text"].as_str())
                .collect();
            assert_eq!(streamed, "It passes now.", "{sdk:?}: {}", pair[1]);
        }
    }
}

#[tokio::test]
async fn completes_a_prompt_with_openai_in_its_own_words() {
    let (upstream, server) = native().await;
    let answer = json!({"id": "cmpl-1", "object": "text_completion", "created": 1,
        "model": Vendor::OpenAi.upstream_model(),
        "choices": [{"index": 0, "text": "!", "finish_reason": "stop", "logprobs": null}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    upstream.push(Answer::json(answer.to_string()));

    let request = json!({"model": "native", "prompt": "Hi", "echo": false, "best_of": 1});
    let reply = server
        .client()
        .post("/v1/completions", request.to_string())
        .await
        .ok();

    assert_eq!(reply.json()["choices"], answer["choices"]);
    let seen = upstream.next_request().await;
    assert_eq!(seen.uri.path(), "/v1/completions");
    assert_eq!(seen.json()["best_of"], 1);
}

#[tokio::test]
async fn says_that_a_stream_of_completions_broke() {
    let (upstream, server) = vendors::start().await;
    upstream.push(Answer::events([role(), text("a"), finish("stop")]).cut_after(260));
    let request = json!({"model": Vendor::OpenAi.model(), "prompt": "Hi", "stream": true});
    let reply = server
        .client()
        .open_bytes("/v1/completions", request.to_string())
        .await;
    let (body, _) = reply.rest().await;
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("event: error") && !body.contains("[DONE]"),
        "{body}"
    );
}
