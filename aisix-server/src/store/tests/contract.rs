//! The behaviour suites that every store passes.

use aisix_core::testing;

use super::store;

#[tokio::test]
async fn keeps_the_contract_of_a_source_and_of_a_store() {
    let (_directory, store) = store();
    testing::config_source(store.clone()).await;
    testing::config_store(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_on_several_threads() {
    let (_directory, store) = store();
    testing::config_store(store).await;
}
