//! Resources from a place of one's own: one that is asked, and one that tells.
//!
//! Run with `cargo run -p aisix-examples --bin custom_config_source`; it prints the models that the
//! gateway has before and after a change, from each of the two.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aisix_core::config::{BoxStream, Change, ConfigEvent, ConfigSource, PollSource};
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::resource::{Id, Kind, Row};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Stands for a database: all rows, and news of each new one.
#[derive(Clone, Debug)]
pub struct Catalog {
    rows: Arc<Mutex<Vec<Row>>>,
    news: broadcast::Sender<Row>,
}

impl Catalog {
    pub fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        Self {
            rows: Arc::new(Mutex::new(rows.into_iter().collect())),
            news: broadcast::Sender::new(16),
        }
    }

    pub fn add(&self, row: Row) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(row.clone());
        drop(rows);
        // Nobody may be listening.
        let _ = self.news.send(row);
    }

    fn rows(&self) -> Vec<Row> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.clone()
    }
}

/// A model that needs no account.
pub fn model(name: &str) -> Row {
    let id = Id::new(name).expect("a name that is an id too");
    let value = json!({"display_name": name, "provider": "mock", "model_name": "demo"});
    Row::new(Kind::Models, id, value)
}

/// The easy way: say how to fetch everything; what has changed is found out.
pub fn asked(catalog: Catalog, period: Duration) -> impl ConfigSource {
    PollSource::new(period, move || {
        let rows = catalog.rows();
        async move { Ok(rows) }
    })
}

/// The full way: a complete state first, then every change, in order and forever. Where changes may
/// have been missed, a complete state again.
impl ConfigSource for Catalog {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        let catalog = self.clone();
        // Listening begins before the state is read: what happens in between is told twice, and not
        // missed.
        let mut news = self.news.subscribe();
        Box::pin(async_stream::stream! {
            let mut revision = 1;
            yield ConfigEvent::full(revision, catalog.rows());
            loop {
                let heard = news.recv().await;
                revision += 1;
                yield match heard {
                    Ok(row) => ConfigEvent::delta(revision, vec![Change::Put(row)]),
                    Err(RecvError::Lagged(_)) => {
                        ConfigEvent::full(revision, catalog.rows())
                    }
                    // `catalog` holds a sender.
                    Err(RecvError::Closed) => return,
                };
            }
        })
    }
}

/// Adds a model to `catalog` while a gateway runs on `source`: the models before and after.
pub async fn run(catalog: &Catalog, source: impl ConfigSource) -> Result<[Vec<String>; 2]> {
    let (gateway, driver) = Gateway::builder().config(source).build().await?;
    let driver = tokio::spawn(driver);
    let before = models(&gateway);
    catalog.add(model("new"));
    while gateway.snapshot().model("new").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    driver.abort();
    Ok([before, models(&gateway)])
}

fn models(gateway: &Gateway) -> Vec<String> {
    let snapshot = gateway.snapshot();
    snapshot
        .models()
        .map(|model| model.name().to_owned())
        .collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let catalog = Catalog::new([model("demo")]);
    let source = asked(catalog.clone(), Duration::from_millis(100));
    println!("asked: {:?}", run(&catalog, source).await?);
    let catalog = Catalog::new([model("demo")]);
    println!("told:  {:?}", run(&catalog, catalog.clone()).await?);
    Ok(())
}
