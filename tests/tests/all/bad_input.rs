//! Input that nobody should send: a clear error or a closed connection, and never a panic, a hang,
//! or growth. (The harness fails every test whose gateway wrote of a panic.)

use std::time::{Duration, Instant};

use aisix_tests::openai::{ask, completion};
use aisix_tests::raw::{RawClient, RawReply, chat_head, chat_request};
use aisix_tests::resources::{MODEL, Resources};
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, Upstream};
use aisix_tests::wait::until;
use serde_json::json;

const LIMIT: usize = 10 * 1024 * 1024;

async fn pair() -> (Upstream, Server) {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let server = Server::start(&Resources::over(&upstream)).await;
    (upstream, server)
}

/// Sends bytes on a connection of their own and hangs up the sending side.
async fn send_raw(server: &Server, bytes: &[u8]) -> Option<RawReply> {
    let mut raw = RawClient::connect(server.addr()).await;
    drop(raw.send(bytes).await);
    raw.finish_sending().await;
    raw.reply().await
}

async fn still_serves(server: &Server) {
    server.client().chat(&ask("Hi")).await.ok();
}

#[tokio::test]
async fn refuses_malformed_json() {
    let (upstream, server) = pair().await;
    let start = r#"{"model":"team/gpt","messages":[{"role":"user","content":"#;
    let bodies: Vec<Vec<u8>> = [
        String::new(),
        " ".to_owned(),
        "{".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "\"team/gpt\"".to_owned(),
        "7".to_owned(),
        "model=team/gpt".to_owned(),
        "{'model':'team/gpt'}".to_owned(),
        format!("{start}\"Hi\"}}],}}"),
        format!("{start}\"Hi\"}}]"),
        format!("{start}\"Hi\"}}]}} x"),
        format!("{start}\"Hi\"}}]}}{start}\"Hi\"}}]}}"),
        format!("{start}\"Hi\"}}],\"temperature\":NaN}}"),
        format!("{start}\"Hi\"}}],\"temperature\":01}}"),
        format!("{start}\"Hi\"}}],\"temperature\":.5}}"),
        format!("{start}\"a\nb\"}}]}}"),
        format!("{start}\"\\x41\"}}]}}"),
        format!("{start}\"\\u12g4\"}}]}}"),
        format!("{start}\"Hi}}]}}"),
        format!("{start}tru}}]}}"),
        format!("{start}\"Hi\"}}] /* comment */}}"),
    ]
    .map(String::into_bytes)
    .into();

    for body in bodies {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let reply = server.client().post("/v1/chat/completions", body).await;
        assert_eq!(reply.status, 400, "{shown}: {}", reply.text());
        reply.is_error(400, "invalid_request_error", None);
    }
    assert_eq!(upstream.calls(), 0);
    still_serves(&server).await;
}

#[tokio::test]
async fn refuses_invalid_utf_8() {
    let (upstream, server) = pair().await;
    for bad in [
        &b"\xff"[..],
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ] {
        let mut content =
            br#"{"model":"team/gpt","messages":[{"role":"user","content":"a"#.to_vec();
        content.extend_from_slice(bad);
        content.extend_from_slice(br#"b"}]}"#);
        let mut key = br#"{"model":"team/gpt","messages":[{"role":"user"}],"x"#.to_vec();
        key.extend_from_slice(bad);
        key.extend_from_slice(br#"":1}"#);
        for body in [content, key] {
            let reply = server.client().post("/v1/chat/completions", body).await;
            reply.is_error(400, "invalid_request_error", None);
        }
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn refuses_a_key_that_stands_twice() {
    let (upstream, server) = pair().await;
    let messages = r#""messages":[{"role":"user","content":"Hi"}]"#;
    for (body, param) in [
        (
            format!(r#"{{"model":"team/gpt",{messages},"model":"other"}}"#),
            "model",
        ),
        (
            format!(r#"{{"model":"team/gpt",{messages},"model":"team/gpt"}}"#),
            "model",
        ),
        (
            format!(r#"{{"model":"team/gpt",{messages},"mod\u0065l":"other"}}"#),
            "model",
        ),
        (
            format!(r#"{{"model":"team/gpt",{messages},{messages}}}"#),
            "messages",
        ),
        (
            format!(r#"{{"model":"team/gpt",{messages},"stream":false,"stream":true}}"#),
            "stream",
        ),
    ] {
        let reply = server
            .client()
            .post("/v1/chat/completions", body.clone())
            .await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
        let error = reply.is_error(400, "invalid_request_error", None);
        assert_eq!(error["param"], param, "{body}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn refuses_ten_megabytes_of_brackets_without_growing() {
    let (upstream, server) = pair().await;
    let brackets = vec![b'['; 10_000_000];
    let mut inside = br#"{"model":"team/gpt","messages":"#.to_vec();
    inside.extend_from_slice(&brackets[..9_900_000]);
    let mut objects = br#"{"model":"team/gpt","messages":"#.to_vec();
    objects.extend_from_slice(&br#"{"a":"#.repeat(1_900_000));
    let bodies = [brackets, inside, objects];

    for round in 0..4 {
        for body in &bodies {
            let reply = server
                .client()
                .post("/v1/chat/completions", body.clone())
                .await;
            reply.is_error(400, "invalid_request_error", None);
        }
        let resident = server.resident() >> 20;
        // The body itself, twice, and what the allocator keeps.
        assert!(resident < 120, "{resident} MB resident after round {round}");
    }
    assert_eq!(upstream.calls(), 0);
    still_serves(&server).await;
}

#[tokio::test]
async fn answers_413_to_a_body_over_the_limit_so_that_it_can_be_read() {
    let (upstream, server) = pair().await;
    let long = vec![b' '; LIMIT + 1];

    // With a length: refused before the first byte, and yet all of it is taken.
    let mut raw = RawClient::connect(server.addr()).await;
    drop(raw.send(&chat_request(&long)).await);
    let reply = raw.reply().await.expect("an answer that can be read");
    assert_eq!(reply.status, 413, "{}", reply.text());
    assert_eq!(reply.json()["error"]["type"], "invalid_request_error");

    // Without one.
    let mut raw = RawClient::connect(server.addr()).await;
    raw.send(chat_head("transfer-encoding: chunked\r\n").as_bytes())
        .await
        .unwrap();
    for piece in long.chunks(1 << 20) {
        drop(raw.send(format!("{:x}\r\n", piece.len()).as_bytes()).await);
        drop(raw.send(piece).await);
        drop(raw.send(b"\r\n").await);
    }
    drop(raw.send(b"0\r\n\r\n").await);
    let reply = raw.reply().await.expect("an answer that can be read");
    assert_eq!(reply.status, 413, "{}", reply.text());

    // A caller that asks first need not send at all.
    let mut raw = RawClient::connect(server.addr()).await;
    let head = chat_head(&format!(
        "content-length: {}\r\nexpect: 100-continue\r\n",
        LIMIT + 1
    ));
    raw.send(head.as_bytes()).await.unwrap();
    let reply = raw.reply().await.expect("an answer before the body");
    assert_eq!(reply.status, 413, "{}", reply.text());

    assert_eq!(upstream.calls(), 0);
    still_serves(&server).await;
}

#[tokio::test]
async fn takes_a_body_of_exactly_the_limit() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let server = Server::builder()
        .resources(&Resources::over(&upstream))
        .config(json!({"proxy": {"request_body_limit_bytes": 1000}}))
        .start()
        .await;
    let mut body = ask("Hi").to_string();
    while body.len() < 1000 {
        body.push(' ');
    }

    server
        .client()
        .post("/v1/chat/completions", body.clone())
        .await
        .ok();
    body.push(' ');
    let reply = server.client().post("/v1/chat/completions", body).await;

    reply.is_error(413, "invalid_request_error", None);
}

#[tokio::test]
async fn waits_for_no_body_that_has_no_end_to_come() {
    let (upstream, server) = pair().await;
    let body = ask("Hi").to_string();
    let mut half = chat_head(&format!("content-length: {}\r\n", body.len())).into_bytes();
    half.extend_from_slice(&body.as_bytes()[..body.len() / 2]);
    let mut chunked = chat_head("transfer-encoding: chunked\r\n").into_bytes();
    chunked.extend_from_slice(b"10\r\n{\"model\":\"team/");

    for bytes in [half, chunked] {
        if let Some(reply) = send_raw(&server, &bytes).await {
            assert!(matches!(reply.status, 400 | 408), "{}", reply.text());
        }
    }
    assert_eq!(upstream.calls(), 0);
    still_serves(&server).await;
}

#[tokio::test]
async fn refuses_huge_heads() {
    let (upstream, server) = pair().await;
    let one = format!("x-huge: {}\r\n", "x".repeat(2 << 20));
    let many: String = (0..20_000).map(|at| format!("x-{at}: y\r\n")).collect();
    let path = format!(
        "GET /v1/models/{} HTTP/1.1\r\nhost: x\r\n\r\n",
        "x".repeat(2 << 20)
    );
    let body = ask("Hi").to_string();
    let length = format!("content-length: {}\r\n", body.len());

    for head in [
        chat_head(&(one + &length)),
        chat_head(&(many + &length)),
        path,
    ] {
        let mut raw = RawClient::connect(server.addr()).await;
        drop(raw.send(head.as_bytes()).await);
        drop(raw.send(body.as_bytes()).await);
        if let Some(reply) = raw.reply().await {
            assert!(
                matches!(reply.status, 400 | 414 | 431),
                "{}: {}",
                reply.head,
                reply.text()
            );
        }
    }
    assert_eq!(upstream.calls(), 0);
    assert!(server.resident() < 100 << 20);
    still_serves(&server).await;
}

#[tokio::test]
async fn refuses_what_is_no_http() {
    let (upstream, server) = pair().await;
    let body = ask("Hi").to_string();
    let double = format!("content-length: {}\r\ncontent-length: 5\r\n", body.len());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("a null byte", vec![0; 100]),
        ("a bare line", b"hello\r\n\r\n".to_vec()),
        (
            "a strange version",
            b"GET /livez HTTP/9.9\r\nhost: x\r\n\r\n".to_vec(),
        ),
        (
            "a header without a colon",
            b"GET /livez HTTP/1.1\r\nhost\r\n\r\n".to_vec(),
        ),
        (
            "two lengths",
            [chat_head(&double).into_bytes(), body.clone().into_bytes()].concat(),
        ),
        (
            "a length that is none",
            chat_head("content-length: -1\r\n").into_bytes(),
        ),
        (
            "a giant length",
            chat_head("content-length: 99999999999999999999\r\n").into_bytes(),
        ),
        (
            "a bad chunk size",
            [
                chat_head("transfer-encoding: chunked\r\n").as_bytes(),
                b"zz\r\n{}\r\n",
            ]
            .concat(),
        ),
        (
            "a giant chunk size",
            [
                chat_head("transfer-encoding: chunked\r\n").as_bytes(),
                b"fffffffffffffffff\r\n{",
            ]
            .concat(),
        ),
    ];
    for (what, bytes) in cases {
        if let Some(reply) = send_raw(&server, &bytes).await {
            assert!((400..600).contains(&reply.status), "{what}: {}", reply.head);
        }
    }
    assert_eq!(upstream.calls(), 0);
    still_serves(&server).await;
}

#[tokio::test]
async fn takes_a_length_and_chunks_together_for_one_request_at_most() {
    let (_upstream, server) = pair().await;
    let body = ask("Hi").to_string();
    // Whoever believes the length sees a second request in the rest: the way to smuggle one.
    let smuggled = chat_request(body.as_bytes());
    let lines = "content-length: 5\r\ntransfer-encoding: chunked\r\n";
    let bytes = [chat_head(lines).as_bytes(), b"0\r\n\r\n", &smuggled].concat();

    let mut raw = RawClient::connect(server.addr()).await;
    drop(raw.send(&bytes).await);
    if let Some(reply) = raw.reply().await {
        assert!((400..500).contains(&reply.status), "{}", reply.head);
    }
}

#[tokio::test]
async fn answers_pipelined_requests_in_their_order() {
    let (upstream, server) = pair().await;
    upstream.push(Answer::json(completion("first", 1, 1).to_string()));
    upstream.push(Answer::json(completion("second", 1, 1).to_string()));
    let one = chat_request(ask("Hi").to_string().as_bytes());
    let bad = chat_request(b"{");
    let models = format!(
        "GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        aisix_tests::resources::KEY
    );

    let mut raw = RawClient::connect(server.addr()).await;
    raw.send(&[&one[..], &bad, models.as_bytes(), &one].concat())
        .await
        .unwrap();

    let first = raw.reply().await.expect("the first answer");
    assert!(first.text().contains("first"), "{}", first.text());
    assert_eq!(raw.reply().await.expect("the second answer").status, 400);
    let models = raw.reply().await.expect("the third answer");
    assert!(models.text().contains(MODEL), "{}", models.text());
    let last = raw.reply().await.expect("the fourth answer");
    assert!(last.text().contains("second"), "{}", last.text());
}

#[tokio::test]
async fn reads_a_request_that_comes_byte_by_byte() {
    let (_upstream, server) = pair().await;
    let mut raw = RawClient::connect(server.addr()).await;
    for byte in chat_request(ask("Hi").to_string().as_bytes()) {
        raw.send(&[byte]).await.unwrap();
    }

    assert_eq!(raw.reply().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn refuses_a_body_in_a_coding_that_it_does_not_read() {
    let (upstream, server) = pair().await;
    // An empty gzip stream.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let client = server.client().with("content-encoding", "gzip");

    let reply = client.post("/v1/chat/completions", &gzip[..]).await;

    assert!(matches!(reply.status, 400 | 415), "{}", reply.text());
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn survives_odd_paths() {
    let (_upstream, server) = pair().await;
    for path in [
        "/v1/models/%",
        "/v1/models/%zz",
        "/v1/models/%00",
        "/v1/models/%ff%fe",
        "/v1/models/..%2f..%2fetc",
        "/v1/models/",
        "/v1/models//",
        "//v1/models",
        "/v1/models/../models",
        "/V1/MODELS",
        "/readyz/x",
        "*",
    ] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
            aisix_tests::resources::KEY
        );
        if let Some(reply) = send_raw(&server, head.as_bytes()).await {
            assert!(
                matches!(reply.status, 200 | 400 | 404),
                "{path}: {}",
                reply.head
            );
        }
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn outlives_a_slow_loris() {
    let (_upstream, server) = pair().await;
    let before = server.descriptors();
    let mut lorises = Vec::new();
    for at in 0..300 {
        let mut raw = RawClient::connect(server.addr()).await;
        match at % 3 {
            // Nothing at all; half a head; a head, and a body that never comes to its end.
            0 => {}
            1 => raw
                .send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: ")
                .await
                .unwrap(),
            _ => raw
                .send(chat_head("content-length: 1000\r\n").as_bytes())
                .await
                .unwrap(),
        }
        lorises.push(raw);
    }

    // They cost the others nothing, and are thrown out in the end, however steadily they drip.
    let since = Instant::now();
    let (mut open, mut served) = (lorises, 0);
    while open.iter().any(|raw| !raw.is_closed_or_answered()) {
        assert!(
            since.elapsed() < Duration::from_secs(100),
            "{} are still there",
            open.len()
        );
        let (kept, _gone): (Vec<_>, Vec<_>) = open
            .into_iter()
            .partition(|raw| !raw.is_closed_or_answered());
        open = kept;
        for raw in &mut open {
            drop(raw.send(b"x").await);
        }
        still_serves(&server).await;
        served += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(served > 1);
    drop(open);
    until("the sockets to be closed", || async {
        (server.descriptors() < before + 20).then_some(())
    })
    .await;
}
