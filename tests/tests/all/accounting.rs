//! What the access log says of a request is the same for every format and every vendor.

use aisix_tests::callers::Caller;
use aisix_tests::server::Server;
use aisix_tests::upstream::Answer;
use aisix_tests::vendors::{self, Vendor};
use aisix_tests::wait::until;
use serde_json::{Value, json};

/// The line of the access log about the request with this id.
async fn logged(server: &Server, id: &str) -> Value {
    until("a line of the access log", || async {
        let log = server.stdout();
        let line = log
            .lines()
            .find(|line| line.starts_with('{') && line.contains(id));
        line.map(|line| serde_json::from_str(line).expect("a line is JSON"))
    })
    .await
}

fn ask(caller: Caller, vendor: Vendor, stream: bool) -> String {
    let mut ask = caller.ask(vendor.model(), &[]);
    if stream {
        ask["stream"] = json!(true);
    }
    ask.to_string()
}

fn is_native(caller: Caller, vendor: Vendor) -> bool {
    [
        (Caller::Chat, Vendor::OpenAi),
        (Caller::Messages, Vendor::Anthropic),
    ]
    .contains(&(caller, vendor))
}

#[tokio::test]
async fn counts_whole_answers_and_streams() {
    let (upstream, server) = vendors::start().await;
    for caller in Caller::ALL {
        for vendor in Vendor::ALL {
            for stream in [false, true] {
                upstream.push(match stream {
                    true => vendors::stream_of(vendor.model()),
                    false => vendor.says("It passes now.", 3, 2),
                });
                let reply = server
                    .client()
                    .post(caller.path(), ask(caller, vendor, stream))
                    .await
                    .ok();

                let id = reply.header("x-aisix-request-id").expect("an id");
                let line = logged(&server, id).await;
                let what = format!("{caller:?} {vendor:?} {stream}: {line}");
                assert_eq!(line["input_tokens"], 3, "{what}");
                assert_eq!(line["output_tokens"], 2, "{what}");
                assert_eq!(line["estimated"], false, "{what}");
                assert_eq!(line["outcome"], "complete", "{what}");
                assert_eq!(line["stream"], stream, "{what}");
                assert_eq!(line["model"], vendor.model(), "{what}");
                assert_eq!(line["path"], caller.path(), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn counts_what_was_delivered_before_a_stream_broke() {
    let (upstream, server) = vendors::start().await;
    for caller in Caller::ALL {
        for vendor in Vendor::ALL {
            upstream.push(vendor.breaks_off(&"word ".repeat(40)));
            let request = ask(caller, vendor, true);
            let reply = server.client().open_bytes(caller.path(), request).await;
            let id = reply
                .header("x-aisix-request-id")
                .expect("an id")
                .to_owned();
            reply.rest().await;

            let line = logged(&server, &id).await;
            let what = format!("{caller:?} {vendor:?}: {line}");
            assert_eq!(line["outcome"], "upstream_error", "{what}");
            assert!(line["output_tokens"].as_u64() >= Some(1), "{what}");
            assert!(line["input_tokens"].as_u64() >= Some(1), "{what}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_the_upstreams_fault() {
    let (upstream, server) = vendors::start().await;
    for caller in Caller::ALL {
        for vendor in Vendor::ALL {
            for (content_type, body) in [
                ("text/html", "<html>Welcome to the edge</html>"),
                ("application/json", "{\"id\":\"x\", \"choices\": ["),
                ("application/json", "null"),
                ("application/json", "[]"),
                ("application/json", "{}"),
                (
                    "application/json",
                    "{\"choices\":1,\"content\":2,\"candidates\":3}",
                ),
            ] {
                // What passes as it is is not read so far.
                if is_native(caller, vendor) && body.contains("candidates") {
                    continue;
                }
                upstream.push(Answer::body(200, content_type, body));
                let request = ask(caller, vendor, false);
                let reply = server.client().post(caller.path(), request).await;
                let what = format!("{caller:?} {vendor:?} {body}: {}", reply.text());
                assert_eq!(reply.status, 502, "{what}");
                assert!(!reply.text().contains("edge"), "{what}");
            }
            for body in [
                "<html>edge</html>",
                "data: {\"half\n\n",
                "data: null\n\n",
                "",
            ] {
                upstream.push(Answer::stream().send(body));
                let request = ask(caller, vendor, true);
                let reply = server.client().post(caller.path(), request).await;
                let what = format!("{caller:?} {vendor:?} {body:?}: {}", reply.text());
                assert_eq!(reply.status, 502, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn arguments_that_are_no_json_reach_every_caller() {
    let (upstream, server) = vendors::start().await;
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": tru"}});
    for caller in Caller::ALL {
        let mut answer = aisix_tests::openai::completion("Let me.", 3, 2);
        answer["choices"][0]["message"]["tool_calls"] = json!([call]);
        answer["choices"][0]["finish_reason"] = json!("length");
        upstream.push(Answer::json(answer.to_string()));

        let request = caller.ask(Vendor::OpenAi.model(), &["f"]).to_string();
        let reply = server.client().post(caller.path(), request).await;

        assert!(
            [200, 502].contains(&reply.status),
            "{caller:?}: {}",
            reply.text()
        );
        if reply.status == 200 {
            assert!(reply.text().contains("tru"), "{caller:?}: {}", reply.text());
        }
    }
}
