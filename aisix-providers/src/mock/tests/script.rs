use aisix_core::error::RetryAdvice;

use super::*;

fn stream(script: &str) -> Call {
    let content = format!("/mock {script}");
    let messages = json!([{"role": "user", "content": content}]);
    request("demo", json!({"messages": messages, "stream": true}))
}

async fn failure(script: &str) -> Error {
    reply(call("demo", &format!("/mock {script}")))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn says_what_it_is_told_to_say() {
    assert_eq!(said("/mock text=good+morning").await, "good morning");
    assert_eq!(said("/mock words=3").await, "the quick brown");
    assert_eq!(said("/mock words=0").await, "");
    assert_eq!(said("  /mock words=11").await.split(' ').count(), 11);
    assert_eq!(said("/mock words=2&text=x").await, "x");
}

#[tokio::test]
async fn the_caller_has_the_last_word() {
    let mock = Mock::new().with_script(Script::parse("text=host&delay=1ms").unwrap());
    let asked = async |model: &str, text: &str| {
        let reply = mock.clone().call(call(model, text)).await.unwrap();
        match reply.body() {
            ReplyBody::Full(Answer::Chat(response)) => response.text().into_owned(),
            other => panic!("no conversation: {other:?}"),
        }
    };
    assert_eq!(asked("demo", "hi").await, "host");
    assert_eq!(asked("demo?text=model", "hi").await, "model");
    assert_eq!(
        asked("demo?text=model", "/mock text=caller").await,
        "caller"
    );
}

#[tokio::test]
async fn only_a_last_message_of_the_caller_is_a_script() {
    let earlier = json!({"messages": [
        {"role": "user", "content": "/mock text=x"},
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": "hi"},
    ]});
    assert_eq!(
        chat(request("demo", earlier)).await.unwrap().text(),
        "You said: hi"
    );
    let system = json!({"messages": [{"role": "system", "content": "/mock status=500"}]});
    chat(request("demo", system)).await.unwrap();
    for text in [
        "/mockery is rude",
        "say /mock words=3",
        "/mock-up",
        "mock words=3",
    ] {
        assert_eq!(said(text).await, format!("You said: {text}"));
    }
    assert_eq!(said("/mock").await, "You said: /mock");
}

#[tokio::test]
async fn a_script_may_stand_on_several_lines() {
    assert_eq!(said("/mock\n\twords=2\n").await, "the quick");
    assert_eq!(said("/mock delay=0ms\nwords=2&pace=0s").await, "the quick");
}

#[tokio::test]
async fn refuses_words_that_mean_nothing() {
    for script in [
        "wrods=3",
        "words=many",
        "words=10001",
        "words=-1",
        "delay=20",
        "delay=3601s",
        "pace=18446744073709551615s",
        "retry_after=18446744073709551615s",
        "status=200",
        "status=99",
        "status=999",
        "cut=",
        "fail_first=x",
    ] {
        let error = failure(script).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{script}");
        assert!(error.message().contains(script), "{error}");
        Script::parse(script).unwrap_err();
    }
    // Of the host's or the model's: the caller gets to see it all the same.
    let error = reply(call("demo?nonsense", "hi")).await.unwrap_err();
    assert_eq!(error.message(), "the mock does not understand `nonsense`");
}

#[tokio::test(start_paused = true)]
async fn waits_before_it_answers() {
    let start = Instant::now();
    said("/mock delay=200ms").await;
    assert_eq!(start.elapsed(), Duration::from_millis(200));
    failure("delay=2s&status=500").await;
    assert_eq!(start.elapsed(), Duration::from_millis(2_200));
}

#[tokio::test(start_paused = true)]
async fn paces_a_stream() {
    let (events, end) = events(stream("words=3&pace=20ms")).await;
    end.unwrap();
    assert_eq!(text(&events), "the quick brown");
    let times: Vec<_> = events.iter().map(|(at, _)| *at).collect();
    let expected: Vec<_> = (0..events.len() as u128).map(|n| n * 20).collect();
    assert_eq!(times, expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_last_event() {
    let start = Instant::now();
    let (events, end) = events(stream("words=1&pace=1s")).await;
    end.unwrap();
    assert_eq!(start.elapsed().as_secs(), events.len() as u64 - 1);
}

#[tokio::test]
async fn fails_as_it_is_told_to() {
    let error = failure("status=503&retry_after=1s").await;
    assert_eq!(error.kind(), ErrorKind::UpstreamError);
    assert_eq!(error.retry(), RetryAdvice::After(Duration::from_secs(1)));
    assert_eq!(failure("status=500").await.retry(), RetryAdvice::Retry);

    let error = failure("status=429").await;
    assert_eq!(error.kind(), ErrorKind::UpstreamRejected);
    assert_eq!(
        (error.status().as_u16(), error.retry()),
        (429, RetryAdvice::Never)
    );
}

#[tokio::test]
async fn fails_the_first_attempts_only() {
    let mut asked = call("demo", "/mock fail_first=2&text=at+last");
    for _ in 0..2 {
        let error = reply(asked.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UpstreamError);
        asked = asked.next_attempt();
    }
    assert_eq!(chat(asked).await.unwrap().text(), "at last");
    let rejected = call("demo", "/mock fail_first=1&status=400");
    assert_eq!(reply(rejected.clone()).await.unwrap_err().status(), 400);
    chat(rejected.next_attempt()).await.unwrap();
}

#[tokio::test]
async fn breaks_off_and_talks_nonsense() {
    for (word, kind) in [
        ("cut", ErrorKind::Transport),
        ("malformed", ErrorKind::UpstreamDecode),
    ] {
        for after in [1, 3] {
            let (events, end) = events(stream(&format!("words=9&{word}={after}"))).await;
            assert_eq!(events.len(), after);
            assert_eq!(end.unwrap_err().kind(), kind);
        }
        // Before the first event, there is no answer.
        let error = reply(stream(&format!("{word}=0"))).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(failure(&format!("{word}=0")).await.kind(), kind);
        // Not so far.
        events(stream(&format!("words=1&{word}=99")))
            .await
            .1
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn never_answers() {
    let hanging = tokio::time::timeout(Duration::from_secs(3_600), reply(call("demo?hang", "hi")));
    hanging.await.unwrap_err();
}
