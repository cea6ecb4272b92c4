//! Whatever is streamed survives being written and read again, in this format and through another.

use proptest::prelude::*;

use super::*;
use crate::conversation::{Assembler, FinishReason, Start, ToolCall, ToolCallKind, Usage};

/// What an upstream may say next.
#[derive(Clone, Debug)]
enum Said {
    Text(String),
    Thought(String),
    Signature(String),
    Call,
    /// More arguments of one of the calls so far.
    Arguments(usize, String),
}

fn said() -> impl Strategy<Value = Said> {
    let text = || "[a-z\"\\\\\u{e4}\u{1f600}\n ]{1,8}";
    prop_oneof![
        text().prop_map(Said::Text),
        text().prop_map(Said::Thought),
        "[a-zA-Z0-9+/]{1,8}".prop_map(Said::Signature),
        Just(Said::Call),
        (any::<prop::sample::Index>(), "[a-z]{1,4}")
            .prop_map(|(at, text)| { Said::Arguments(at.index(64), text) }),
    ]
}

/// A legal stream of it, in which calls may be interleaved with anything.
fn events(said: &[Said]) -> Vec<ChatEvent> {
    let mut events = vec![ChatEvent::Start(Start::new("msg_1", "m"))];
    let mut calls: Vec<bool> = Vec::new();
    let arguments = |tool: usize, arguments: String| ChatEvent::ToolCallDelta {
        choice: 0,
        tool: u32::try_from(tool).unwrap(),
        arguments,
    };
    for piece in said {
        match piece.clone() {
            Said::Text(text) => events.push(ChatEvent::TextDelta { choice: 0, text }),
            Said::Thought(text) => events.push(ChatEvent::ReasoningDelta { choice: 0, text }),
            Said::Signature(signature) => events.push(ChatEvent::ReasoningSignature {
                choice: 0,
                signature,
            }),
            Said::Call => {
                let tool = u32::try_from(calls.len()).unwrap();
                calls.push(false);
                events.push(ChatEvent::ToolCallStart {
                    choice: 0,
                    tool,
                    kind: ToolCallKind::Function,
                    id: format!("c{tool}"),
                    name: "f".to_owned(),
                    signature: None,
                });
            }
            Said::Arguments(at, text) if !calls.is_empty() => {
                let tool = at % calls.len();
                let open = if calls[tool] { "," } else { "{" };
                calls[tool] = true;
                events.push(arguments(tool, format!("{open}\"{text}\":1")));
            }
            Said::Arguments(..) => {}
        }
    }
    for (tool, has_begun) in calls.iter().enumerate() {
        let end = if *has_begun { "}" } else { "{}" };
        events.push(arguments(tool, end.to_owned()));
    }
    events.push(ChatEvent::finish(0, FinishReason::ToolCalls));
    events.push(ChatEvent::usage(
        Usage::new(9, 4).with_cached_input_tokens(2),
    ));
    events
}

type Sum = (String, String, Vec<ToolCall>, Vec<String>, Usage);

/// What was said, whatever the order of its kinds.
fn sum(events: &[ChatEvent]) -> Sum {
    let mut answer = Assembler::new();
    events.iter().cloned().for_each(|event| answer.push(event));
    let answer = answer.into_response();
    let message = answer.message().unwrap();
    let signatures = message
        .parts
        .iter()
        .filter_map(|part| part.signature.clone());
    (
        message.text().into_owned(),
        message.reasoning().into_owned(),
        message.tool_calls().cloned().collect(),
        signatures.collect(),
        answer.usage(),
    )
}

proptest! {
    #[test]
    fn a_stream_of_anything_survives(said in prop::collection::vec(said(), 0..24)) {
        let events = events(&said);
        let written = encode(&events);
        assembled(written.as_bytes());
        let read = decode(written.as_bytes()).unwrap();
        prop_assert_eq!(sum(&read), sum(&events));
        prop_assert_eq!(encode(&read), written);
    }

    #[test]
    fn a_stream_of_anything_survives_a_chat(said in prop::collection::vec(said(), 0..24)) {
        let events = events(&said);
        let options = EncodeOptions::default().with_usage(true);
        let chunks = encode_with(&CHAT, &events, options);
        let seen = decode_with(&CHAT, chunks.as_bytes(), usize::MAX).unwrap();
        let back = decode(encode(&seen).as_bytes()).unwrap();
        prop_assert_eq!(sum(&back), sum(&events));
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(CODEC.read_request(&body));
        drop(CODEC.read_response(&body, &Carry::default()));
        drop(decode(&[b"data: ", &body[..], b"\n\n"].concat()));
    }
}
