use std::time::Duration;

use super::*;

const STORE: &str = "store: {path: ./data}\n";

#[test]
fn has_the_defaults_of_the_contract() {
    let config = parse(STORE);
    assert_eq!(config.proxy.addr.to_string(), "127.0.0.1:3000");
    assert_eq!(config.proxy.request_body_limit, 10_485_760);
    assert!(config.proxy.tls.is_none());
    assert!(config.proxy.real_ip.trusted_proxies.is_empty());
    assert_eq!(config.proxy.real_ip.header, "x-forwarded-for");
    assert!(config.proxy.thread_per_core);
    assert!(config.admin.is_none());
    assert_eq!(config.observability.service_name, "aisix");
    assert_eq!(config.observability.log_level, LogLevel::default());
    assert!(config.observability.access_log);
    assert!(config.observability.metrics.prometheus.is_none());
    assert!(!config.observability.metrics.otlp.enabled);
    assert!(!config.observability.tracing.otlp.enabled);
    assert_eq!(config.cache.backend, Backend::Memory);
    assert_eq!(config.ratelimit.backend, Backend::Memory);
    assert_eq!(config.upstream.timeout, None);
    assert_eq!(config.upstream.stream_timeout, None);
    assert_eq!(config.upstream.connect_timeout, Duration::from_secs(5));
    assert_eq!(config.upstream.retries, 2);
    assert_eq!(config.upstream.pool_idle_timeout, Duration::from_secs(30));
    assert_eq!(config.downstream.idle_timeout, None);
    assert_eq!(
        config.downstream.sse_keepalive_interval,
        Some(Duration::from_secs(15))
    );
    assert_eq!(config.shutdown.min_drain, Duration::ZERO);
    assert_eq!(config.shutdown.max_drain, Duration::from_secs(30));
}

#[test]
fn reads_every_section_of_the_contract() {
    let text = r#"
resources_file: resources.yaml
proxy:
  addr: 127.0.0.1:0
  request_body_limit_bytes: 1024
  tls: {cert_file: a.pem, key_file: b.pem}
  real_ip: {trusted_proxies: [10.0.0.0/8, "::1"], header: x-real-ip}
  thread_per_core: false
admin: {enabled: false, addr: 127.0.0.1:3001, admin_keys: ["k"], tls: {cert_file: a, key_file: b}}
observability:
  service_name: gateway
  log_level: warn,aisix_core=debug
  access_log: false
  metrics:
    prometheus: {enabled: false, addr: 127.0.0.1:9090, path: /metrics}
    otlp: {enabled: false, endpoint: "http://127.0.0.1:4318"}
  tracing:
    otlp: {enabled: false, endpoint: "http://127.0.0.1:4317", sample_ratio: 0.5}
cache: {backend: memory}
ratelimit: {backend: memory, redis: {url: "redis://:pw@127.0.0.1/"}}
upstream: {timeout_ms: 1000, stream_timeout_ms: 0, connect_timeout_ms: 100, retries: 0, pool_idle_timeout_secs: 5, tls: {ca_file: ca.pem}}
downstream: {idle_timeout_secs: 60, sse_keepalive_interval_secs: 0}
shutdown: {min_drain_secs: 1, max_drain_secs: 2}
"#;
    let config = parse(text);
    assert!(matches!(&config.source, Source::File(path) if path == Path::new("resources.yaml")));
    assert_eq!(config.proxy.request_body_limit, 1024);
    assert_eq!(config.proxy.real_ip.trusted_proxies.len(), 2);
    assert!(!config.proxy.thread_per_core);
    assert!(config.admin.is_none());
    assert_eq!(config.upstream.timeout, Some(Duration::from_secs(1)));
    assert_eq!(config.upstream.stream_timeout, None);
    assert_eq!(
        config.downstream.idle_timeout,
        Some(Duration::from_secs(60))
    );
    assert_eq!(config.downstream.sse_keepalive_interval, None);
    assert_eq!(config.shutdown.max_drain, Duration::from_secs(2));
}

#[test]
fn reads_json() {
    let config = parse(r#"{"store": {"path": "x"}, "proxy": {"addr": "[::1]:80"}}"#);
    assert_eq!(config.proxy.addr.to_string(), "[::1]:80");
}

#[test]
fn names_an_unknown_key_and_the_nearest_known_one() {
    assert_eq!(
        problems("store: {}\nproxy: {adr: 127.0.0.1:1}"),
        ["proxy.adr: unknown key `adr`; did you mean `proxy.addr`?"]
    );
    assert_eq!(
        problems("store: {}\nproxi: {addr: 127.0.0.1:1}"),
        ["proxi: unknown key `proxi`; did you mean `proxy`?"]
    );
    assert_eq!(
        problems("store: {}\nrequest_body_limit_bytes: 3"),
        [
            "request_body_limit_bytes: unknown key `request_body_limit_bytes`; \
             did you mean `proxy.request_body_limit_bytes`?"
        ]
    );
}

#[test]
fn reports_every_problem_with_its_path() {
    let text = "
store: {}
proxy: {addr: nowhere, tls: {cert_file: 5, key_file: k}, real_ip: {trusted_proxies: [10.0.0.0/8, x]}}
upstream: {retries: many, timeout_ms: -1}
cache: {backend: disk}
observability: {log_level: inof, acess_log: true}
";
    let found = problems(text);
    let paths: Vec<&str> = found
        .iter()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(
        paths,
        [
            // Unknown keys, and then what is wrong with known ones.
            "observability.acess_log",
            "proxy.addr",
            "proxy.real_ip.trusted_proxies[1]",
            "proxy.tls.cert_file",
            "upstream.retries",
            "upstream.timeout_ms",
            "cache.backend",
            "observability.log_level",
        ]
        .to_vec(),
        "{found:#?}"
    );
}

#[test]
fn reasons_are_written_for_operators() {
    assert_eq!(
        problems("store: {}\nupstream: {retries: -1}"),
        ["upstream.retries: invalid value: integer `-1`, expected a whole number from 0"]
    );
    let twice = problems("store: {}\nstore: {}");
    assert!(
        twice[0].contains("duplicate mapping key: store at line 2"),
        "{twice:?}"
    );
}

#[test]
fn wants_exactly_one_source() {
    let none = problems("proxy: {}");
    assert_eq!(none.len(), 1);
    assert!(none[0].contains("none is set"), "{none:?}");
    let two = problems("store: {}\nresources_file: x");
    assert_eq!(two.len(), 1);
    assert!(two[0].contains("`resources_file`, `store`"), "{two:?}");
}

#[test]
fn refuses_what_is_not_built_only_when_it_is_enabled() {
    let found = problems(
        "etcd: {}
admin: {}
cache: {backend: redis}
ratelimit: {backend: redis}
observability: {metrics: {prometheus: {}, otlp: {enabled: true}}, tracing: {otlp: {enabled: true}}}",
    );
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(found.iter().all(|line| line.contains("is not built yet")));
    assert!(found[0].contains("`etcd` is not built yet"), "{found:?}");
    parse(
        "store: {}\nadmin: {enabled: false}\nobservability: {metrics: {prometheus: {enabled: false}}}",
    );
}

#[test]
fn takes_overrides_from_the_environment_by_their_type() {
    let config = parse_with(
        STORE,
        [
            ("AISIX_PROXY__ADDR", "127.0.0.1:8080"),
            ("AISIX_PROXY__THREAD_PER_CORE", "false"),
            (
                "AISIX_PROXY__REAL_IP__TRUSTED_PROXIES",
                "10.0.0.0/8, 192.168.0.0/16",
            ),
            ("AISIX_UPSTREAM__RETRIES", "7"),
            ("AISIX_OBSERVABILITY__TRACING__OTLP__SAMPLE_RATIO", "0.25"),
            ("AISIX_OBSERVABILITY__SERVICE_NAME", "123"),
            ("AISIX_PORT", "tcp://10.0.0.1:3000"),
            ("AISIX_PROXY", "ignored"),
            ("PROXY__ADDR", "ignored"),
        ],
    )
    .unwrap();
    assert_eq!(config.proxy.addr.to_string(), "127.0.0.1:8080");
    assert!(!config.proxy.thread_per_core);
    assert_eq!(config.proxy.real_ip.trusted_proxies.len(), 2);
    assert_eq!(config.upstream.retries, 7);
    assert_eq!(config.observability.tracing.otlp.sample_ratio, 0.25);
    assert_eq!(config.observability.service_name, "123");
}

#[test]
fn reports_an_override_that_is_unknown_or_does_not_fit() {
    let error = parse_with(
        STORE,
        [
            ("AISIX_PROXY__ADR", "127.0.0.1:8080"),
            ("AISIX_UPSTREAM__RETRIES", "many"),
        ],
    )
    .unwrap_err();
    let found: Vec<String> = error.problems().iter().map(Problem::to_string).collect();
    assert_eq!(
        found[0],
        "AISIX_PROXY__ADR: unknown key `proxy.adr`; did you mean `proxy.addr`?"
    );
    assert!(
        found[1].starts_with("upstream.retries: invalid type"),
        "{found:?}"
    );
}

#[test]
fn replaces_variables_in_string_values() {
    let text = "store: {path: '${HOME_DIR}/aisix'}
proxy: {addr: '127.0.0.1:${PORT}', request_body_limit_bytes: '${LIMIT}'}
observability: {service_name: 'a$${b}'}";
    let env = [("HOME_DIR", "/h"), ("PORT", "1"), ("LIMIT", "99")];
    let config = parse_with(text, env).unwrap();
    assert!(matches!(&config.source, Source::Store(store) if store.path == Path::new("/h/aisix")));
    assert_eq!(config.proxy.addr.to_string(), "127.0.0.1:1");
    assert_eq!(config.proxy.request_body_limit, 99);
    assert_eq!(config.observability.service_name, "a${b}");
}

#[test]
fn refuses_a_variable_that_is_not_set() {
    let found = problems("store: {}\nproxy: {addr: '${ADDR}'}");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("proxy.addr: environment variable `ADDR` is not set"),
        "{found:?}"
    );
    assert!(problems("store: {path: '${oops'}")[0].contains("begins no variable"));
}

#[test]
fn a_section_without_lines_is_not_there() {
    let config = parse("store: {}\nproxy:\nadmin:\n  # enabled: true\n");
    assert!(config.admin.is_none());
}

#[test]
fn an_error_is_one_line_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("aisix.yaml");
    let missing = Config::read(&path, &Env::default()).unwrap_err();
    assert!(missing.to_string().contains("aisix.yaml: cannot be read"));

    for text in [
        "a: [",
        "- 1",
        "store: {}\nstore: {}",
        "store: 1\nproxy: 2",
        "\t x: 1",
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Config::read(&path, &Env::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("aisix.yaml: "), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn the_embedded_default_uses_the_store_unless_the_environment_chooses() {
    let config = Config::embedded(&Env::default()).unwrap();
    assert!(matches!(config.source, Source::Store(_)));
    assert!(config.proxy.addr.get().ip().is_loopback());

    let env = Env::from_iter([("AISIX_RESOURCES_FILE", "r.yaml")]);
    let config = Config::embedded(&env).unwrap();
    assert!(matches!(config.source, Source::File(_)));
}

#[test]
fn two_listeners_cannot_share_an_address() {
    let found = problems("store: {}\nproxy: {addr: 127.0.0.1:9}\nadmin: {addr: 127.0.0.1:9}");
    assert!(
        found
            .iter()
            .any(|line| line.contains("is `proxy.addr` too"))
    );
}

#[test]
fn no_secret_shows_in_debug() {
    let env = Env::from_iter([("SECRET", "hunter2")]);
    let tree = tree::parse(
        "admin: {admin_keys: [hunter2]}\nratelimit: {redis: {url: 'redis://:hunter2@h/'}}",
    )
    .unwrap();
    let (document, found) = Document::from_tree(tree, &env);
    assert_eq!(found, []);
    assert!(!format!("{document:?} {env:?}").contains("hunter2"));
    assert_eq!(document.admin.unwrap().admin_keys[0].expose(), "hunter2");
}

#[test]
fn the_file_of_the_guide_is_valid_and_holds_the_defaults() {
    let page = include_str!("../../../docs/guide/configuration.md");
    let block = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let mut shown = parse(block);
    assert_eq!(shown.proxy.real_ip.trusted_proxies.len(), 1);
    shown.proxy.real_ip.trusted_proxies.clear();
    let defaults = parse("resources_file: resources.yaml");
    assert_eq!(format!("{shown:#?}"), format!("{defaults:#?}"));
}

fn parse(text: &str) -> Config {
    Config::parse(text, &Env::default()).unwrap_or_else(|error| panic!("{:#?}", error.problems()))
}

fn parse_with<const N: usize>(
    text: &str,
    variables: [(&str, &str); N],
) -> Result<Config, ConfigError> {
    Config::parse(text, &Env::from_iter(variables))
}

fn problems(text: &str) -> Vec<String> {
    let error = Config::parse(text, &Env::default()).unwrap_err();
    error.problems().iter().map(Problem::to_string).collect()
}
