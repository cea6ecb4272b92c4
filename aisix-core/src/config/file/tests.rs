use std::io::Write as _;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FileProblems, FileSource, read_resources, write_resources};
use crate::config::{ConfigEvent, ConfigSource, Driver};
use crate::resource::{Environment, Id, KeyHash, Kind, Row};
use crate::snapshot::SnapshotHandle;

const FILE: &str = r#"
# comments are fine
_format_version: "1"
provider_keys:
  - display_name: openai main
    provider: openai
    api_key: ${OPENAI_KEY}
models:
  - id: m-1
    display_name: gpt-4o
    provider_key_id: openai main
    model_name: gpt-4o
    timeout: 30000
  - {display_name: openai/*, provider: openai, colour: red}
api_keys:
  - key_env: CALLER_KEY
    allowed_models: ["*"]
guardrails:
"#;

fn environment() -> Environment {
    Environment::new(|name| match name {
        "OPENAI_KEY" => Some("sk-up${x}".to_owned()),
        "CALLER_KEY" => Some("sk-caller".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    })
}

fn read(text: &str) -> Result<Vec<Row>, FileProblems> {
    read_resources(text, &environment())
}

fn problems(text: &str) -> Vec<String> {
    read(text)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn file(body: &str) -> String {
    format!("_format_version: \"1\"\n{body}")
}

#[test]
fn reads_every_kind_and_derives_what_is_left_out() {
    let rows = read(FILE).unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    let hash = KeyHash::of("sk-caller").to_string();
    assert_eq!(
        ids,
        [
            "openai main",
            "m-1",
            "openai%2F*",
            &format!("key-{}", &hash[..16])
        ]
    );
    assert_eq!(
        rows[3].value,
        json!({"key_hash": hash, "allowed_models": ["*"]})
    );
    assert_eq!(rows[1].value["timeout"], 30000);
    assert!(rows[1].value.get("id").is_none());

    // Its own `${` is no reference any more.
    let snapshot = crate::snapshot::Snapshot::empty().full(1.into(), rows);
    let key = snapshot.model("gpt-4o").unwrap().provider_key().unwrap();
    assert_eq!(
        key.resource().api_key.as_ref().unwrap().expose(),
        "sk-up${x}"
    );
    assert_eq!(
        snapshot.report().unknown_fields().next().unwrap().pointer,
        "/colour"
    );
}

#[test]
fn reads_json_too() {
    let text = r#"{"_format_version": "1", "models": [{"display_name": "a", "provider": "p", "model_name": "m"}]}"#;
    assert_eq!(read(text).unwrap().len(), 1);
    let flow =
        r#"{_format_version: "1", models: [{display_name: no, provider: p, model_name: m}]}"#;
    assert_eq!(read(flow).unwrap()[0].id.as_str(), "no");
    assert!(read("{\"_format_version\": \"1\"}").unwrap().is_empty());
}

#[test]
fn finds_all_problems_at_once() {
    let text = file(
        r#"
modles: []
provider_keys: {}
models:
  - display_name: a
    timeout: soon
    retries: -1
    provider: [x]
  - display_name: b
    provider: p
    model_name: m
    rate_limit: {rpm: x, tpm: y}
  - display_name: b
    id: a/b
    provider: ${UNSET}
    model_name: m
  - just a name
api_keys:
  - {allowed_models: [], key_env: UNSET}
  - {allowed_models: [], key_env: EMPTY}
  - {allowed_models: []}
"#,
    );
    let found = problems(&text);
    let pointers: Vec<_> = found
        .iter()
        .map(|problem| problem.split(':').next().unwrap())
        .collect();
    let mut expected = vec![
        "/modles",
        "/provider_keys",
        "/models/0/provider",
        "/models/0/retries",
        "/models/0/timeout",
        "/models/1/rate_limit/rpm",
        "/models/1/rate_limit/tpm",
        "/models/2/display_name",
        "/models/2/id",
        "/models/2/provider",
        "/models/3",
        "/api_keys/0/key_env",
        "/api_keys/1/key_env",
        "/api_keys/2",
    ];
    let mut pointers: Vec<_> = pointers;
    pointers.sort_unstable();
    expected.sort_unstable();
    assert_eq!(pointers, expected, "{found:#?}");
}

#[test]
fn refuses_a_file_of_another_format() {
    assert!(problems("models: []")[0].starts_with("/_format_version: missing"));
    assert!(problems("_format_version: \"2\"")[0].contains("the only version"));
    assert_eq!(problems("[]"), ["expected an object"]);
    assert!(problems("models: [").len() == 1);
    assert!(problems("a: 1\na: 2").len() == 1);
}

#[test]
fn shows_no_secret_in_a_problem() {
    for text in [
        file("provider_keys:\n  - display_name: a\n    api_key: [sk-hidden]\n"),
        file("provider_keys:\n  - display_name: a\n    api_key: \"sk-hidden\n"),
        file("provider_keys:\n  - display_name: a\n    api_key: sk-hidden\n   b: sk-hidden\n"),
        file("provider_keys:\n  - display_name: a\n    api_key: \"sk-hidden\\q\"\n"),
        file("provider_keys:\n  - {display_name: a, api_key: sk-hidden, api_key: sk-hidden}\n"),
    ] {
        let problems = read(&text).unwrap_err();
        assert!(!problems.to_string().contains("hidden"), "{problems}");
    }
}

#[test]
fn reads_a_file_of_many_values() {
    // More nodes than the YAML reader takes by default.
    let many = 260_000;
    let text = file(&format!(
        "api_keys:\n  - key_hash: {}\n    allowed_models: [{}]\n",
        KeyHash::of("sk-a"),
        "m,".repeat(many)
    ));
    let rows = read(&text).unwrap();
    assert_eq!(
        rows[0].value["allowed_models"].as_array().unwrap().len(),
        many
    );
}

#[test]
fn writes_a_stored_reference_as_a_reference() {
    let value = json!({"display_name": "a ${B}", "api_key": "${OPENAI_KEY}"});
    let row = Row::new(Kind::ProviderKeys, Id::new("pk").unwrap(), value);
    let text = write_resources([&row]).unwrap();
    assert!(
        text.contains("${OPENAI_KEY}") && !text.contains("$${OPENAI_KEY}"),
        "{text}"
    );
    let again = read(&text).unwrap().remove(0);
    assert_eq!(again.value["display_name"], "a ${B}");
    let none = Row::new(Kind::Models, Id::new("m").unwrap(), Value::Null);
    assert!(write_resources([&none]).is_err());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,20}",
        "[ -~\\n\\t]{1,120}",
        prop::sample::select(vec![
            "yes",
            "no",
            "null",
            "~",
            "1",
            "1.0",
            "0x1F",
            "1e3",
            "on",
            "2030-01-01",
            "- a",
            "a: b",
            "#",
            " lead",
            "trail ",
            "line\nbreak",
            "\n",
            "${A}",
            "$${A}",
            "'",
            "\"",
            "|",
            ">",
            "%a",
            "@a",
            "`a`",
            "&a",
            "*a",
            "!a",
            "?",
            "[",
            "{",
            "a\r\nb",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            "true",
            ".inf",
            ".nan",
            "<<",
            "=",
            "12:30:45",
            "-----BEGIN X-----\nabc\n-----END X-----\n",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn reads_back_what_it_writes(texts in prop::collection::vec(text(), 1..5), number in any::<u32>()) {
        let rows: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let value = json!({
                    "display_name": format!("{index}{text}"),
                    "request": {
                        "default_body_fields": {"x": text, "n": number, "f": 0.5, "list": [text, null, {}, []]},
                        "param_renames": {text.as_str(): text},
                    },
                });
                Row::new(Kind::ProviderKeys, Id::new(format!("p{index}")).unwrap(), value)
            })
            .collect();
        let text = write_resources(&rows).unwrap();
        let again = read_resources(&text, &Environment::default());
        prop_assert_eq!(again.unwrap_or_else(|problems| panic!("{problems}\n{text}")), rows);
    }
}

fn temporary(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn a_file_source_keeps_the_contract() {
    let file = temporary(FILE);
    let source = FileSource::new(file.path()).with_environment(environment());
    crate::testing::config_source(source).await;
}

#[tokio::test]
async fn an_invalid_file_is_refused_whole_and_the_last_good_one_serves() {
    let file = temporary(FILE);
    let source = FileSource::new(file.path()).with_environment(environment());
    let reload = source.reloader();
    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(source, handle.clone());
    let status = driver.status();
    driver.applied().await.unwrap();
    let driver = tokio::task::spawn(driver);
    let mut changes = handle.changes();

    let better = FILE.replace("gpt-4o\n", "gpt-5\n");
    std::fs::write(file.path(), better.replace("30000", "soon")).unwrap();
    reload.reload();
    while status.connected() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(status.last_error().unwrap().contains("/models/0/timeout"));
    assert!(handle.load().model("gpt-4o").is_some());

    std::fs::write(file.path(), better).unwrap();
    reload.reload();
    let snapshot = changes.next().await;
    assert!(snapshot.model("gpt-5").is_some() && snapshot.model("gpt-4o").is_none());
    while !status.connected() {
        tokio::task::yield_now().await;
    }
    driver.abort();
}

#[tokio::test]
async fn names_the_file_that_is_missing() {
    let source = FileSource::new("/nowhere/resources.yaml");
    let mut events = source.watch();
    let Some(ConfigEvent::Lost(error)) = events.next().await else {
        panic!("expected an error");
    };
    assert!(
        error.message().contains("/nowhere/resources.yaml"),
        "{error}"
    );
    assert!(events.next().now_or_never().is_none());
    let error = Driver::new(source, SnapshotHandle::default())
        .applied()
        .await
        .unwrap_err();
    assert!(error.message().contains("/nowhere/resources.yaml"));
}
