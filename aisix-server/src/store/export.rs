use aisix_core::config;
use aisix_core::config::ConfigStore;
use aisix_core::error::Result;

/// Everything that `store` holds, as the text of a resources file that `aisix` reads again.
///
/// Secrets stand in it as they are stored.
///
/// # Errors
///
/// When the store cannot be read, or holds what no resources file can.
pub async fn export(store: &impl ConfigStore) -> Result<String> {
    config::write_resources(&store.all().await?.rows)
}
