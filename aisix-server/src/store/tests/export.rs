use aisix_core::config::ConfigStore;
use aisix_core::config::Precondition;
use aisix_core::config::Transaction;
use aisix_core::config::read_resources;
use aisix_core::resource::Environment;
use aisix_core::resource::Kind;
use aisix_core::resource::Row;
use serde_json::json;

use super::id;
use super::store;
use crate::demo;
use crate::store::export;

#[tokio::test]
async fn an_export_reads_back_as_what_is_stored() {
    let (_directory, store) = store();
    demo::seed(&store).await.unwrap();
    let key = json!({
        "display_name": "yes: no # \"quoted\"",
        "provider": "acme",
        "api_base": "https://acme.test/v1",
        "api_key": "sk-$${literal} and ${ACME}",
        "request": {"default_headers": {"x-price": "${not a reference}, 1e3"}},
        "unknown": [null, 0.1, "null", "0123"],
    });
    let guardrail = json!({
        "name": "no secrets",
        "kind": "keyword",
        "patterns": [{"kind": "regex", "value": "(?i)\\bsecret\\b|${"}],
    });
    let write = Transaction::new()
        .put(Kind::ProviderKeys, id("pk"), key, Precondition::Any)
        .put(Kind::Guardrails, id("7"), guardrail, Precondition::Any);
    store.commit(write).await.unwrap();

    let text = export(&store).await.unwrap();

    let environment =
        Environment::new(|name| (name == "ACME").then(|| "of the environment".to_owned()));
    let rows =
        read_resources(&text, &environment).unwrap_or_else(|found| panic!("{found}\n{text}"));
    let stored = store.all().await.unwrap().rows;
    assert_eq!(rows.len(), stored.len());
    for (row, stored) in rows.iter().zip(&stored) {
        assert_eq!((row.kind, &row.id), (stored.kind, &stored.id));
        assert_eq!(known(row), known(stored), "{text}");
    }
    let secret = rows[0].value["api_key"].as_str().unwrap();
    let expanded = environment.expand(secret).unwrap();
    assert_eq!(expanded, "sk-${literal} and of the environment");
}

#[tokio::test]
async fn an_empty_store_exports_a_valid_file() {
    let (_directory, store) = store();
    let text = export(&store).await.unwrap();
    assert_eq!(
        read_resources(&text, &Environment::default()),
        Ok(vec![]),
        "{text}"
    );
}

/// The document without its credential, in which a reference may be spelt in two ways.
fn known(row: &Row) -> serde_json::Value {
    let mut value = row.value.clone();
    value.as_object_mut().unwrap().remove("api_key");
    value
}
