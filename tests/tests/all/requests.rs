//! Recorded requests of every format, sent to every vendor: each reaches it, or is refused by the
//! name of what the vendor cannot be told.

use std::collections::BTreeMap;

use aisix_tests::callers::Caller;
use aisix_tests::fixtures::{Fixture, load};
use aisix_tests::vendors::{self, Vendor};
use serde_json::{Value, json};

fn caller_of(fixture: &Fixture) -> Option<Caller> {
    match (fixture.provider.as_str(), fixture.endpoint.as_str()) {
        ("openai" | "openai-compatible" | "deepseek", "chat_completions") => Some(Caller::Chat),
        ("anthropic", "messages") => Some(Caller::Messages),
        ("openai" | "deepseek", "responses") => Some(Caller::Responses),
        _ => None,
    }
}

#[tokio::test]
async fn each_reaches_every_vendor_or_is_refused_by_name() {
    let Some(fixtures) = load() else {
        return;
    };
    let (upstream, server) = vendors::start().await;
    let client = server.client();
    let (mut sent, mut refused) = (0, BTreeMap::<String, usize>::new());
    let mut wrong = Vec::new();
    for fixture in fixtures.iter().filter(|fixture| fixture.status == 200) {
        let Some(caller) = caller_of(fixture) else {
            continue;
        };
        for vendor in Vendor::ALL {
            let mut request = fixture.request_json();
            request["model"] = json!(vendor.model());
            let answer = match request["stream"] == true {
                true => vendors::stream_of(vendor.model()),
                false => vendor.says("It passes now.", 3, 2),
            };
            upstream.respond(move |_| answer.clone());

            let reply = client.post(caller.path(), request.to_string()).await;

            let what = format!(
                "{} to {vendor:?}: {} {}",
                fixture.id,
                reply.status,
                reply.text()
            );
            match reply.status {
                200 if reply.text().contains("It passes now.") => sent += 1,
                400 => match param(caller, &reply.json()) {
                    Some(param) => {
                        *refused
                            .entry(format!("{caller:?} to {vendor:?}: {param}"))
                            .or_default() += 1;
                    }
                    None => wrong.push(what),
                },
                _ => wrong.push(what),
            }
        }
    }

    for (what, count) in &refused {
        println!("{count} x {what}");
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let refused: usize = refused.values().sum();
    assert!(sent > 3 * refused, "{sent} sent, {refused} refused");
}

/// What the refusal names; Anthropic's errors have no place for it but the message.
fn param(caller: Caller, body: &Value) -> Option<String> {
    let error = &body["error"];
    match caller {
        Caller::Messages => {
            let (_, rest) = error["message"].as_str()?.split_once('`')?;
            rest.split_once('`').map(|(param, _)| param.to_owned())
        }
        _ => error["param"].as_str().map(str::to_owned),
    }
}
