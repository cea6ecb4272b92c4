//! Counters through changes of the configuration, and of the clock.

use super::*;

#[tokio::test]
async fn a_limit_that_is_raised_admits_the_difference() {
    let mut fixture = Fixture::new(&json!({"rpm": 2}), &json!({"rpd": 9}));
    while fixture.ask().await.is_ok() {}
    fixture.change(&json!({"rpm": 5}), &json!({"rpd": 9}));
    let mut admitted = 0;
    while fixture.ask().await.is_ok() {
        admitted += 1;
    }
    assert_eq!(admitted, 3);
    assert_eq!(fixture.used_by_model().rpd, Some(5));
}

#[tokio::test]
async fn a_limit_that_is_lowered_holds_at_once() {
    let mut fixture = Fixture::new(&json!({"rpm": 9, "tpm": 90}), &none());
    for _ in 0..5 {
        fixture.spend(10).await.unwrap();
    }
    fixture.change(&json!({"rpm": 3}), &none());
    let asked = fixture.ask().await;
    assert_eq!(
        headers(&asked, ["limit-requests", "remaining-requests"]),
        ["3", "0"]
    );
    assert_eq!(kind(asked), Some(ErrorKind::RateLimited));
    fixture.change(&json!({"tpm": 50}), &none());
    assert_eq!(kind(fixture.ask().await), Some(ErrorKind::RateLimited));
}

#[tokio::test]
async fn calls_that_began_under_another_limit_end_under_it() {
    let mut fixture = Fixture::new(&json!({"concurrency": 3}), &none());
    let held = [
        fixture.ask().await.unwrap(),
        fixture.ask().await.unwrap(),
        fixture.ask().await.unwrap(),
    ];
    fixture.change(&json!({"concurrency": 1}), &none());
    assert_eq!(
        kind(fixture.ask().await),
        Some(ErrorKind::ConcurrencyLimited)
    );
    drop(held);
    assert_eq!(fixture.used_by_key().concurrency, Some(0));
    let _held = fixture.ask().await.unwrap();
    assert_eq!(
        kind(fixture.ask().await),
        Some(ErrorKind::ConcurrencyLimited)
    );
}

#[tokio::test]
async fn a_limit_that_comes_while_calls_run_is_not_freed_by_them() {
    let mut fixture = Fixture::new(&json!({"rpm": 9}), &none());
    let unlimited = fixture.ask().await.unwrap();
    fixture.change(&json!({"rpm": 9, "concurrency": 1}), &none());
    let held = fixture.ask().await.unwrap();
    unlimited.finish().await.unwrap();
    assert_eq!(fixture.used_by_key().concurrency, Some(1));
    assert_eq!(
        kind(fixture.ask().await),
        Some(ErrorKind::ConcurrencyLimited)
    );

    // And one that goes away is given up by those who had a place.
    fixture.change(&json!({"rpm": 9}), &none());
    held.finish().await.unwrap();
    fixture.change(&json!({"concurrency": 1}), &none());
    assert_eq!(fixture.used_by_key().concurrency, Some(0));
}

#[tokio::test]
async fn a_clock_that_is_set_back_locks_nobody_out_and_lets_nobody_in_twice() {
    let fixture = Fixture::new(&json!({"rpm": 2}), &none());
    fixture.advance(3_600_000);
    while fixture.ask().await.is_ok() {}
    // By less than a window: the same one goes on.
    fixture.clock.fetch_sub(1_000, Ordering::Relaxed);
    assert_eq!(kind(fixture.ask().await), Some(ErrorKind::RateLimited));
    // It had been wrong by an hour.
    fixture.clock.store(MIDNIGHT + 250, Ordering::Relaxed);
    for _ in 0..2 {
        fixture.spend(0).await.unwrap();
    }
    assert_eq!(kind(fixture.ask().await), Some(ErrorKind::RateLimited));
}
