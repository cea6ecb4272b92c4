use std::sync::atomic::AtomicUsize;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;

/// Sets 64 tasks off at once, each of which calls so often; how many calls were admitted.
async fn race(fixture: &Arc<Fixture>, each: usize) -> usize {
    let start = Arc::new(Barrier::new(64));
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let (fixture, start) = (Arc::clone(fixture), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let mut admitted = 0;
            for _ in 0..each {
                admitted += usize::from(fixture.spend(1).await.is_ok());
                tokio::task::yield_now().await;
            }
            admitted
        });
    }
    tasks.join_all().await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_exactly_as_many_calls_are_admitted_as_the_limit_says() {
    let limit = |name: &str| json!({name: 1_000});
    for (key, model) in [
        (limit("rps"), none()),
        (none(), limit("rpm")),
        (limit("rph"), limit("rph")),
        (limit("rpm"), limit("rpd")),
    ] {
        let fixture = Arc::new(Fixture::new(&key, &model));
        assert_eq!(race(&fixture, 25).await, 1_000, "{key} {model}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_given_back_is_given_back_exactly() {
    let key =
        json!({"rps": 10_000, "rpm": 10_000, "rpd": 10_000, "concurrency": 64, "tpm": 10_000});
    let fixture = Arc::new(Fixture::new(
        &key,
        &json!({"rph": 1_000, "concurrency": 64}),
    ));
    assert_eq!(race(&fixture, 40).await, 1_000);
    let used = fixture.used_by_key();
    assert_eq!([used.rps, used.rpm, used.rpd, used.tpm], [Some(1_000); 4]);
    assert_eq!(used.concurrency, Some(0));
    assert_eq!(fixture.used_by_model().concurrency, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_calls_run_at_once_than_may() {
    let fixture = Arc::new(Fixture::new(
        &json!({"concurrency": 5}),
        &json!({"concurrency": 4}),
    ));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let (fixture, running, most) = (
            Arc::clone(&fixture),
            Arc::clone(&running),
            Arc::clone(&most),
        );
        tasks.spawn(async move {
            for _ in 0..100 {
                if let Ok(delivery) = fixture.ask().await {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    delivery.finish().await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    let most = most.load(Ordering::SeqCst);
    assert!((1..=4).contains(&most), "{most}");
    assert_eq!(fixture.used_by_key().concurrency, Some(0));
    assert_eq!(fixture.used_by_model().concurrency, Some(0));
}
