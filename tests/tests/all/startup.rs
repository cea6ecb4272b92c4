//! Starting, refusing to start, the embedded default, `validate` and `export`.

use std::net::TcpListener;

use aisix_tests::binary::free_port;
use aisix_tests::openai::{ask, completion};
use aisix_tests::resources::{KEY, MODEL, Resources, UPSTREAM_KEY, UPSTREAM_MODEL, key_hash};
use aisix_tests::server::{Builder, Exit, Server};
use aisix_tests::upstream::{Answer, Upstream};
use serde_json::json;

/// One clear line on stderr, exit code 1.
#[track_caller]
fn refused(exit: &Exit, words: &[&str]) {
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    let lines: Vec<_> = exit
        .stderr
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    assert_eq!(lines.len(), 1, "one clear line, not {:?}", exit.stderr);
    for word in words {
        assert!(lines[0].contains(word), "no {word:?} in {:?}", lines[0]);
    }
}

// === refusing to start ===

#[tokio::test]
async fn refuses_a_file_that_is_missing_or_malformed() {
    let missing = Server::builder()
        .args(&["--config", "no-such.yaml"])
        .run()
        .await;
    refused(&missing, &["no-such.yaml"]);
    let malformed = Server::builder()
        .file("bad.yaml", "proxy: [1,\n")
        .args(&["--config", "bad.yaml"])
        .run()
        .await;
    refused(&malformed, &["bad.yaml"]);
    let resources = Server::builder()
        .file("resources.yaml", "models: [")
        .run()
        .await;
    refused(&resources, &["resources.yaml"]);
    let no_resources = Server::builder()
        .config(json!({"resources_file": "no-such.yaml"}))
        .run()
        .await;
    refused(&no_resources, &["no-such.yaml"]);
}

#[tokio::test]
async fn names_an_unknown_key_and_the_nearest_known_one() {
    let top = Server::builder()
        .config(json!({"proxi": {"addr": "127.0.0.1:1"}}))
        .run()
        .await;
    refused(&top, &["proxi", "proxy"]);
    let nested = Server::builder()
        .config(json!({"proxy": {"adr": "127.0.0.1:1"}}))
        .run()
        .await;
    refused(&nested, &["adr", "addr"]);
    let deep = Server::builder()
        .config(json!({"observability": {"metrics": {"prometheus": {"pathh": "/m"}}}}))
        .run()
        .await;
    refused(&deep, &["pathh", "path"]);
}

#[tokio::test]
async fn refuses_wrong_values() {
    for (patch, word) in [
        (json!({"proxy": {"addr": "nowhere"}}), "addr"),
        (
            json!({"proxy": {"request_body_limit_bytes": "many"}}),
            "request_body_limit_bytes",
        ),
        (
            json!({"shutdown": {"max_drain_secs": -1}}),
            "max_drain_secs",
        ),
        (
            json!({"etcd": {"endpoints": ["http://127.0.0.1:2379"]}}),
            "etcd",
        ),
        (
            json!({"proxy": {"tls": {"cert_file": "no-such.pem", "key_file": "k.pem"}}}),
            "no-such.pem",
        ),
        (
            json!({"upstream": {"tls": {"ca_file": "no-such-ca.pem"}}}),
            "no-such-ca.pem",
        ),
    ] {
        let exit = Server::builder().config(patch).run().await;
        refused(&exit, &[word]);
    }
}

#[tokio::test]
async fn says_which_address_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();

    let exit = Server::builder()
        .config(json!({"proxy": {"addr": addr}}))
        .run()
        .await;

    refused(&exit, &[&format!("address already in use: {addr}")]);
}

#[tokio::test]
async fn says_what_is_not_built_yet() {
    let patch = json!({"observability": {"tracing": {"otlp": {"enabled": true}}}});

    let exit = Server::builder().config(patch).run().await;

    refused(&exit, &["not built yet"]);
}

#[tokio::test]
async fn refuses_a_variable_that_is_not_set() {
    let config = Server::builder().config(json!({"observability": {"log_level": "${NOPE}"}}));
    refused(&config.run().await, &["NOPE"]);
}

// === starting ===

#[tokio::test]
async fn takes_yaml_with_every_section() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let yaml = format!(
        r#"
resources_file: resources.yaml
proxy:
  addr: 127.0.0.1:{proxy}   # a comment
  request_body_limit_bytes: 10485760
  real_ip: {{trusted_proxies: [10.0.0.0/8], header: x-forwarded-for}}
  thread_per_core: true
admin:
  enabled: false
  addr: 127.0.0.1:3001
  admin_keys: ["an-admin-key"]
observability:
  service_name: aisix
  log_level: info
  access_log: true
  metrics:
    prometheus: {{enabled: false, addr: "127.0.0.1:9090", path: /metrics}}
    otlp: {{enabled: false, endpoint: "http://127.0.0.1:4318"}}
  tracing:
    otlp: {{enabled: false, endpoint: "http://127.0.0.1:4317", sample_ratio: 1.0}}
cache: {{backend: memory}}
ratelimit: {{backend: memory}}
upstream: {{timeout_ms: 60000, stream_timeout_ms: 60000, connect_timeout_ms: 5000, retries: 2, pool_idle_timeout_secs: 30}}
downstream: {{idle_timeout_secs: 0, sse_keepalive_interval_secs: 15}}
shutdown: {{min_drain_secs: 0, max_drain_secs: 30}}
"#,
        proxy = free_port(),
    );
    let resources = format!(
        r#"
_format_version: "1"
provider_keys:
  - id: up
    display_name: the upstream
    provider: openai
    api_key: {UPSTREAM_KEY}
    api_base: {base}
models:
  - display_name: {MODEL}
    provider: openai
    model_name: {UPSTREAM_MODEL}
    provider_key_id: up
api_keys:
  - display_name: everything
    key_hash: {hash}
    allowed_models: ["*"]
"#,
        base = upstream.api_base(),
        hash = key_hash(KEY),
    );
    // The address of the environment wins over the file's.
    let server = Builder::embedded()
        .file("given.yaml", &yaml)
        .file("resources.yaml", &resources)
        .args(&["--config", "given.yaml"])
        .start()
        .await;

    server.client().chat(&ask("Hi")).await.ok();
}

#[tokio::test]
async fn takes_values_from_the_environment() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::empty()
        .provider_key_row(json!({
            "id": "up",
            "display_name": "up",
            "provider": "openai",
            "api_key": "${THE_PROVIDER_KEY}",
            "api_base": upstream.api_base(),
        }))
        .model(MODEL, "up", UPSTREAM_MODEL);
    let mut resources = resources.to_value();
    resources["api_keys"] =
        json!([{"display_name": "from env", "key_env": "THE_CALLER_KEY", "allowed_models": ["*"]}]);
    let server = Server::builder()
        .file("resources.yaml", &resources.to_string())
        .env("THE_PROVIDER_KEY", "sk-from-the-environment")
        .env("THE_CALLER_KEY", "sk-caller-from-the-environment")
        .env("AISIX_PROXY__REQUEST_BODY_LIMIT_BYTES", "500")
        .start()
        .await;
    let client = server.client().with_key("sk-caller-from-the-environment");

    client.chat(&ask("Hi")).await.ok();
    let seen = upstream.next_request().await;
    assert_eq!(
        seen.header("authorization"),
        Some("Bearer sk-from-the-environment")
    );
    assert_eq!(client.chat(&ask(&"x".repeat(500))).await.status, 413);
}

// === the embedded default ===

/// The caller key in the `curl` line that the first start prints.
fn printed_key(server: &Server) -> Option<String> {
    let log = server.stdout() + &server.stderr();
    let (_, curl) = log.split_once("curl ")?;
    let (_, key) = curl.split_once("Bearer ")?;
    let end = key.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))?;
    Some(key[..end].to_owned())
}

#[tokio::test]
async fn needs_no_configuration_and_no_account() {
    let server = Builder::embedded().start().await;
    // Printed, not asserted: a figure of a loaded test machine says little.
    println!("ready after {:?}", server.ready_after());
    let key = printed_key(&server).unwrap_or_else(|| panic!("no curl line in {}", server.log()));
    let client = server.client().with_key(&key);

    let models = client.get("/v1/models").await.ok().json();
    let model = models["data"][0]["id"]
        .as_str()
        .expect("a model")
        .to_owned();
    let mut request = ask("Hello");
    request["model"] = json!(model);
    let reply = client.chat(&request).await.ok().json();
    assert!(
        reply["choices"][0]["message"]["content"].is_string(),
        "{reply}"
    );
    request["stream"] = json!(true);
    let stream = client.open(&request).await.text().await;
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    assert!(
        server.log().contains(&server.addr().to_string()),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn prints_a_curl_line_that_works() {
    let server = Builder::embedded().start().await;
    let log = server.log();
    let start = log
        .find("curl ")
        .unwrap_or_else(|| panic!("no curl line in {log}"));
    // A line that ends in a backslash goes on in the next.
    let mut lines = Vec::new();
    for line in log[start..].lines() {
        lines.push(line);
        if !line.ends_with('\\') {
            break;
        }
    }
    if std::process::Command::new("curl")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("skipped: no curl on this machine");
        return;
    }

    let output = tokio::process::Command::new("sh")
        .args(["-c", &lines.join("\n")])
        .output()
        .await
        .expect("sh runs");

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("choices"),
        "{lines:?}: {output:?}"
    );
}

#[tokio::test]
async fn keeps_its_keys_after_kill_9() {
    let server = Builder::embedded().start().await;
    let key = printed_key(&server).unwrap_or_else(|| panic!("no curl line in {}", server.log()));
    server.client().with_key(&key).get("/v1/models").await.ok();

    let server = server.kill().await.start().await;

    server.client().with_key(&key).get("/v1/models").await.ok();
    assert!(
        !server.log().contains(&key),
        "the key is printed once:\n{}",
        server.log()
    );
}

// === validate and export ===

#[tokio::test]
async fn validates_offline_and_prints_every_problem() {
    let upstream = Upstream::start().await;
    let good = Server::builder()
        .resources(&Resources::over(&upstream))
        .args(&[
            "validate",
            "--config",
            "aisix.yaml",
            "--resources",
            "resources.yaml",
        ])
        .run()
        .await;
    assert_eq!(good.status.code(), Some(0), "{good:?}");

    let mut bad = Resources::over(&upstream).to_value();
    bad["models"][0]["display_name"] = json!(7);
    bad["api_keys"][0]["key_hash"] = json!("short");
    let bad = Server::builder()
        .file("bad.yaml", &bad.to_string())
        .config(json!({"resources_file": "bad.yaml"}))
        .args(&[
            "validate",
            "--config",
            "aisix.yaml",
            "--resources",
            "bad.yaml",
        ])
        .run()
        .await;
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    let said = bad.stdout + &bad.stderr;
    assert!(said.contains("display_name"), "{said}");
    assert!(said.contains("key_hash"), "{said}");
}

#[tokio::test]
async fn exports_a_file_that_it_takes_again() {
    let mut server = Builder::embedded().start().await;
    server.signal("TERM");
    server.exited().await;
    let key = printed_key(&server).expect("a curl line");

    let export = server.kill().await.args(&["export"]).run().await;

    assert_eq!(export.status.code(), Some(0), "{export:?}");
    assert!(export.stdout.contains("_format_version"), "{export:?}");
    assert!(export.stdout.contains(&key_hash(&key)), "{export:?}");
    assert!(!export.stdout.contains(&key), "{export:?}");
    let again = Server::builder()
        .file("resources.yaml", &export.stdout)
        .start()
        .await;
    again.client().with_key(&key).get("/v1/models").await.ok();
}

#[tokio::test]
async fn exports_a_resources_file_without_resolving_its_references() {
    let resources = r#"
_format_version: "1"
provider_keys:
  - {display_name: k, provider: openai, api_key: "${UPSTREAM_KEY}"}
"#;
    let export = Server::builder()
        .file("resources.yaml", resources)
        .env("UPSTREAM_KEY", "sk-in-the-environment")
        .args(&["export", "--config", "aisix.yaml"])
        .run()
        .await;

    assert_eq!(export.status.code(), Some(0), "{export:?}");
    assert_eq!(export.stdout, resources);
}
