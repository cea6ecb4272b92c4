use aisix_core::config::CommitError;
use aisix_core::config::ConfigStore;
use aisix_core::config::Precondition;
use aisix_core::config::Revision;
use aisix_core::config::Transaction;
use aisix_core::error::Error;
use aisix_core::error::Result;
use aisix_core::resource::Id;
use aisix_core::resource::KeyHash;
use aisix_core::resource::Kind;
use aisix_core::resource::Secret;
use serde_json::Value;
use serde_json::json;

use crate::caller_key::new_caller_key;
use crate::store::EmbeddedStore;

/// The model that answers chats.
pub const CHAT_MODEL: &str = "demo";

/// The model that answers embeddings.
pub const EMBEDDING_MODEL: &str = "demo-embedding";

/// Fills a store that nothing was ever written to, and gives the caller's key, of which the store
/// holds only the hash: nobody can read it later.
///
/// A store that was written to before is left alone, whatever has become of its rows: a revision
/// never goes back, so that a deleted demonstration does not come again.
///
/// # Errors
///
/// When the store fails, or the operating system has no random bytes.
pub async fn seed(store: &EmbeddedStore) -> Result<Option<Secret>> {
    if store.revision() > Revision::ZERO {
        return Ok(None);
    }
    let key = new_caller_key()?;
    let mut transaction = Transaction::new();
    for (kind, id, document) in rows(&key) {
        let id = Id::new(id).map_err(Error::config)?;
        transaction = transaction.put(kind, id, document, Precondition::Absent);
    }
    match store.commit(transaction).await {
        Ok(_) => Ok(Some(key)),
        // Somebody else has filled it meanwhile.
        Err(CommitError::Conflict(_)) => Ok(None),
        Err(CommitError::Other(error)) => Err(error),
        Err(other) => Err(Error::config(other)),
    }
}

fn rows(key: &Secret) -> [(Kind, &'static str, Value); 3] {
    let model = |name| json!({"display_name": name, "provider": "mock", "model_name": name});
    let api_key = json!({
        "display_name": "demo",
        "key_hash": KeyHash::of(key.expose()),
        "allowed_models": ["*"],
    });
    [
        (Kind::Models, CHAT_MODEL, model(CHAT_MODEL)),
        (Kind::Models, EMBEDDING_MODEL, model(EMBEDDING_MODEL)),
        (Kind::ApiKeys, "demo", api_key),
    ]
}

#[cfg(test)]
mod tests {
    use aisix_core::resource::check;
    use aisix_core::snapshot::Snapshot;

    use super::*;

    #[tokio::test]
    async fn fills_a_new_store_with_what_answers_calls() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path()).unwrap();

        let key = seed(&store)
            .await
            .unwrap()
            .expect("a key at the first start");

        let listing = store.all().await.unwrap();
        assert_eq!(listing.revision, Revision::new(1));
        for row in &listing.rows {
            assert_eq!(check(row.kind, &row.value), Ok(vec![]), "{row:?}");
            assert!(!row.value.to_string().contains(key.expose()), "{row:?}");
        }
        let snapshot = Snapshot::full(&Snapshot::empty(), listing.revision, listing.rows);
        let names: Vec<_> = snapshot.models().map(|model| model.name()).collect();
        assert_eq!(names, [CHAT_MODEL, EMBEDDING_MODEL]);
        let caller = snapshot.api_key(&KeyHash::of(key.expose())).unwrap();
        assert!(caller.allows(CHAT_MODEL) && caller.allows(EMBEDDING_MODEL));
    }

    #[tokio::test]
    async fn leaves_a_store_alone_that_was_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path()).unwrap();
        seed(&store).await.unwrap().unwrap();
        assert_eq!(seed(&store).await.unwrap(), None);
        let mut transaction = Transaction::new();
        for row in store.all().await.unwrap().rows {
            transaction = transaction.delete(row.kind, row.id, Precondition::Present);
        }
        store.commit(transaction).await.unwrap();
        drop(store);

        let store = EmbeddedStore::open(directory.path()).unwrap();
        assert_eq!(seed(&store).await.unwrap(), None);
        assert!(store.all().await.unwrap().rows.is_empty());
    }
}
