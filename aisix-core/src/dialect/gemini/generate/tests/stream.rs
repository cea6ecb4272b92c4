//! Streams.

use super::*;
use crate::conversation::{Assembler, FinishReason, Start, ToolCallKind, Usage};
use crate::error::ErrorKind;

fn piece(parts: &Value, rest: &Value) -> Value {
    let mut event = json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "modelVersion": "m", "responseId": "r",
    });
    for (name, value) in rest.as_object().unwrap() {
        match name.as_str() {
            "usageMetadata" => event[name] = value.clone(),
            _ => event["candidates"][0][name] = value.clone(),
        }
    }
    event
}

fn assemble(events: Vec<ChatEvent>) -> ChatResponse {
    let mut assembler = Assembler::new();
    for event in events {
        assembler.push(event);
    }
    assembler.into_response()
}

fn stream() -> String {
    events_of(&[
        piece(
            &json!([{"text": "hm", "thought": true}]),
            &json!({"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}}),
        ),
        piece(&json!([{"text": "a\u{2028}"}]), &json!({})),
        piece(
            &json!([{"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "s1"}, {"functionCall": {"name": "f", "id": "7"}}]),
            &json!({"usageMetadata": {"candidatesTokenCount": 2, "thoughtsTokenCount": 3, "promptTokenCount": 6}}),
        ),
        piece(
            &json!([{"text": "", "thoughtSignature": "s2"}]),
            &json!({"finishReason": "STOP", "groundingMetadata": {},
                    "usageMetadata": {"candidatesTokenCount": 4, "totalTokenCount": 13}}),
        ),
    ])
}

#[test]
fn an_answer_without_a_known_end_is_cut() {
    let unspecified = json!({"finishReason": "FINISH_REASON_UNSPECIFIED"});
    let cut = piece(&texts(&["H"]), &unspecified);
    let error = decode(events_of(std::slice::from_ref(&cut)).as_bytes(), 64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let error = CODEC
        .read_response(cut.to_string().as_bytes(), &Carry::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamDecode);
    // What follows may still say how it ends.
    let end = piece(&texts(&["i"]), &json!({"finishReason": "STOP"}));
    let answer = assemble(decode(events_of(&[cut, end]).as_bytes(), 64).unwrap());
    assert_eq!(answer.text(), "Hi");
    assert_eq!(answer.finish(), Some(&FinishReason::Stop));
}

#[test]
fn events_are_read_in_order_and_counted_once() {
    let events = decode(stream().as_bytes(), usize::MAX).unwrap();
    let finishes = |events: &[ChatEvent]| {
        events
            .iter()
            .filter(|event| matches!(event, ChatEvent::Finish { .. }))
            .count()
    };
    assert_eq!(events[0], ChatEvent::Start(Start::new("r", "m")));
    assert_eq!(finishes(&events), 1);
    let answer = assemble(events.clone());
    assert_eq!(answer.text(), "a\u{2028}");
    assert_eq!(answer.finish(), Some(&FinishReason::ToolCalls));
    assert_eq!(answer.usage(), Usage::new(6, 7).with_reasoning_tokens(3));
    let message = answer.message().unwrap();
    assert_eq!(message.reasoning(), "hm");
    let calls: Vec<_> = message.tool_calls().collect();
    assert_eq!(calls[0].arguments, r#"{"x":1}"#);
    assert_eq!(
        (calls[1].id.as_str(), calls[1].arguments.as_str()),
        ("7", "{}")
    );
    assert!(matches!(events.last(), Some(ChatEvent::Usage { .. })));
    for size in [1, 2, 3, 5, 17, 100] {
        assert_eq!(decode(stream().as_bytes(), size).unwrap(), events);
    }
    let lines = stream().replace("\r\n", "\n");
    assert_eq!(decode(lines.as_bytes(), 4).unwrap(), events);
}

#[test]
fn a_stream_that_says_no_reason_was_cut() {
    let stream = events_of(&[piece(
        &texts(&["a"]),
        &json!({"usageMetadata": {"promptTokenCount": 5}}),
    )]);
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(stream));
    let mut decoder = CODEC.decoder(Carry::default());
    let mut events = Vec::new();
    decoder
        .event(&scanner.next_event().unwrap().unwrap(), &mut events)
        .unwrap();
    let error = decoder.end(&mut events).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(matches!(events.last(), Some(ChatEvent::Usage { .. })));
    assert_eq!(decode(b"", 1).unwrap_err().kind(), ErrorKind::Transport);
}

#[test]
fn an_error_in_a_stream_is_that_error() {
    let error = json!({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED",
        "details": [{"retryDelay": "2s"}]}});
    let failed = decode(events_of(&[error]).as_bytes(), 9).unwrap_err();
    assert_eq!((failed.status().as_u16(), failed.message()), (429, "slow"));
    assert_eq!(
        failed.retry_after(),
        Some(std::time::Duration::from_secs(2))
    );
    let broken = decode(b"data: {\"candidates\": [\r\n\r\n", 9).unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::UpstreamDecode);
}

#[test]
fn a_blocked_prompt_ends_the_answer() {
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m"});
    let events = decode(events_of(&[blocked]).as_bytes(), usize::MAX).unwrap();
    assert_eq!(
        events[1..],
        [ChatEvent::finish(0, FinishReason::ContentFilter)]
    );
}

#[test]
fn arguments_in_pieces_are_put_together() {
    let call = |call: Value| piece(&json!([{"functionCall": call}]), &json!({}));
    let arg = |text: &str, more: bool| {
        call(
            json!({"partialArgs": [{"jsonPath": "$.city", "stringValue": text, "willContinue": more}], "willContinue": true}),
        )
    };
    let mut last = call(json!({}));
    last["candidates"][0]["finishReason"] = "STOP".into();
    let stream = events_of(&[
        call(json!({"name": "f", "willContinue": true})),
        arg("Bos", true),
        arg("ton", false),
        call(json!({})),
        call(json!({"name": "g", "willContinue": true})),
        last,
    ]);
    let answer = assemble(decode(stream.as_bytes(), 10).unwrap());
    let calls: Vec<_> = answer.message().unwrap().tool_calls().collect();
    assert_eq!(calls[0].arguments, r#"{"city":"Boston"}"#);
    assert_eq!(
        (calls[1].name.as_str(), calls[1].arguments.as_str()),
        ("g", "{}")
    );
    assert_eq!(answer.finish(), Some(&FinishReason::ToolCalls));
}

#[test]
fn grounding_of_a_stream_is_annotated_at_its_end() {
    let grounding = json!({
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 5, "text": "hi"}, "groundingChunkIndices": [0]}],
    });
    let stream = events_of(&[
        piece(&texts(&["é "]), &json!({})),
        piece(
            &texts(&["hi"]),
            &json!({"finishReason": "STOP", "groundingMetadata": grounding}),
        ),
    ]);
    let events = decode(stream.as_bytes(), usize::MAX).unwrap();
    let chat = encode_with(&Chat::new(), &events);
    assert!(
        chat.contains(r#""start_index":2,"end_index":4,"url":"https://a.example""#),
        "{chat}"
    );
    assert!(encode(&events).contains("groundingSupports"));
}

#[test]
fn a_picture_in_a_stream_is_shown_to_callers_of_openai() {
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}});
    let stream = events_of(&[piece(&json!([picture]), &json!({"finishReason": "STOP"}))]);
    let events = decode(stream.as_bytes(), usize::MAX).unwrap();
    let chat = encode_with(&Chat::new(), &events);
    assert!(chat.contains(r#"{"images":[{"type":"image_url""#), "{chat}");
    assert!(encode(&events).contains(r#""parts":[{"inlineData""#));
}

#[test]
fn signatures_survive_a_client_that_only_knows_openai() {
    let chat = encode_with(
        &Chat::new(),
        &decode(stream().as_bytes(), usize::MAX).unwrap(),
    );
    let events = decode_with(&Chat::new(), chat.as_bytes(), usize::MAX).unwrap();
    let signed = |signature: &str| ChatEvent::TextSignature {
        choice: 0,
        signature: signature.to_owned(),
    };
    assert!(events.contains(&signed("s2")));
    assert!(events.iter().any(|event| matches!(
        event,
        ChatEvent::ToolCallStart { signature: Some(signature), .. } if signature == "s1"
    )));
}

#[test]
fn what_is_written_is_read_again() {
    let events = decode(stream().as_bytes(), usize::MAX).unwrap();
    let written = encode(&events);
    assert!(written.ends_with("\r\n\r\n") && !written.contains("[DONE]"));
    let again = decode(written.as_bytes(), usize::MAX).unwrap();
    assert_eq!(
        assemble(again).choices[0].finish,
        Some(FinishReason::ToolCalls)
    );
    let usage = |events: Vec<ChatEvent>| assemble(events).usage();
    assert_eq!(usage(decode(written.as_bytes(), 7).unwrap()), usage(events));
}

#[test]
fn any_legal_sequence_can_be_written() {
    let call = |choice, tool, id: &str| ChatEvent::ToolCallStart {
        choice,
        tool,
        kind: ToolCallKind::Function,
        id: id.to_owned(),
        name: "f".to_owned(),
        signature: Some(format!("s{id}")).filter(|_| tool == 0),
    };
    let arguments = |choice, tool, arguments: &str| ChatEvent::ToolCallDelta {
        choice,
        tool,
        arguments: arguments.to_owned(),
    };
    let events = [
        ChatEvent::Start(Start::new("i", "m")),
        ChatEvent::text(1, "b"),
        call(0, 0, "1"),
        call(0, 1, "2"),
        arguments(0, 0, "{\"x\""),
        arguments(0, 1, "{}"),
        arguments(0, 0, ":1}"),
        ChatEvent::finish(1, FinishReason::Length),
        ChatEvent::finish(0, FinishReason::ToolCalls),
        ChatEvent::usage(Usage::new(3, 4)),
    ];
    let answer = assemble(decode(encode(&events).as_bytes(), usize::MAX).unwrap());
    let expected = assemble(events.to_vec());
    assert_eq!(answer.choices, expected.choices);
    assert_eq!(answer.usage, expected.usage);
}

#[test]
fn a_broken_stream_ends_with_an_error() {
    let mut out = BytesMut::new();
    CODEC
        .encoder(EncodeOptions::default())
        .error(&Error::transport("cut"), &mut out);
    let error = decode(&out, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamError);
}
