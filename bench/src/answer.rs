//! What `upstream` answers: bytes as OpenAI and Anthropic send them, made once.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use hyper::body::Bytes;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How much of a request's body [`Wish::read`] looks at.
pub const HEAD: usize = 1024;

/// What a request asks for, in the first bytes of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// A stream of so many chunks; `None` is one JSON document.
    pub chunks: Option<usize>,
    /// One chunk in so much time; `None` is as fast as they are taken.
    pub pace: Option<Duration>,
    /// A last chunk that carries the usage.
    pub usage: bool,
}

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenAI's chat completions.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Answer {
    /// One JSON document.
    Whole(Option<Bytes>),
    /// Server-sent events.
    Stream {
        /// What its events look like.
        events: &'static Events,
        /// The event that comes next.
        next: usize,
        /// How many chunks there are before the end.
        chunks: usize,
        /// Whether the usage follows them.
        usage: bool,
        /// What each chunk waits for.
        pace: Option<Interval>,
    },
}

impl Wish {
    /// Looks for `"stream":true`, `chunks=N`, `pace_ms=N` (both inside the value of `user`, a
    /// field that every proxy passes on) and `"include_usage":true`. No JSON is parsed.
    pub fn read(head: &[u8]) -> Self {
        let has = |needle: &str| memchr::memmem::find(head, needle.as_bytes()).is_some();
        let number = |needle: &str| {
            let at = memchr::memmem::find(head, needle.as_bytes())? + needle.len();
            let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
            Some(digits.fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0')))
        };
        let stream = has("\"stream\":true");
        Self {
            chunks: stream.then(|| number("chunks=").map_or(64, |chunks| chunks as usize)),
            pace: number("pace_ms=").map(Duration::from_millis),
            usage: has("\"include_usage\":true"),
        }
    }
}

impl Answer {
    /// The answer to a wish. The first chunk of a paced stream is due at once.
    pub fn new(wish: Wish, format: Format) -> Self {
        let events = match format {
            Format::OpenAi => &*OPENAI,
            Format::Anthropic => &*ANTHROPIC,
        };
        let Some(chunks) = wish.chunks else {
            return Self::Whole(Some(events.whole.clone()));
        };
        let pace = wish.pace.map(|period| {
            let mut pace = interval_at(Instant::now(), period);
            // Late chunks stay apart: caught up in one go they would cost less to pass on.
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            pace
        });
        Self::Stream {
            events,
            next: 0,
            chunks,
            usage: wish.usage && format == Format::OpenAi,
            pace,
        }
    }

    /// Its `content-type`.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Whole(_) => "application/json",
            Self::Stream { .. } => "text/event-stream; charset=utf-8",
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => bytes.take(),
            Self::Stream {
                events,
                next,
                chunks,
                usage,
                pace,
            } => {
                if let (Some(pace), true) = (pace, *next < *chunks) {
                    ready!(pace.poll_tick(cx));
                }
                let at = *next;
                *next += 1;
                let extra = usize::from(*usage);
                match at {
                    0 => Some(&events.first),
                    _ if at + 1 < *chunks => Some(&events.middle),
                    _ if at + 1 == *chunks => Some(&events.last),
                    _ if *usage && at == *chunks => Some(&events.usage),
                    _ if at == *chunks + extra => Some(&events.done),
                    _ => None,
                }
                .cloned()
            }
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream { .. } => SizeHint::default(),
        }
    }
}

/// The pieces of answers in one format.
#[derive(Debug)]
pub struct Events {
    whole: Bytes,
    first: Bytes,
    middle: Bytes,
    last: Bytes,
    usage: Bytes,
    done: Bytes,
}

static OPENAI: LazyLock<Events> = LazyLock::new(|| {
    let usage = r#"{"prompt_tokens":19,"completion_tokens":62,"total_tokens":81,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;
    let chunk = |choices: &str, tail: &str| {
        Bytes::from(format!(
            "data: {{\"id\":\"chatcmpl-CaNnEdAnSwEr0123456789abcdef\",\"object\":\"chat.completion.chunk\",\
             \"created\":1764000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\
             \"system_fingerprint\":\"fp_0123456789\",\"choices\":[{choices}]{tail}}}\n\n"
        ))
    };
    let delta = |delta: &str, finish: &str| {
        let choice = format!(
            "{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":{finish}}}"
        );
        chunk(&choice, "")
    };
    Events {
        whole: Bytes::from(format!(
            "{{\"id\":\"chatcmpl-CaNnEdAnSwEr0123456789abcdef\",\"object\":\"chat.completion\",\
             \"created\":1764000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{{\"index\":0,\
             \"message\":{{\"role\":\"assistant\",\"content\":\"Nobody has asked the sea how deep it is; \
             it answers all the same, with the patience of what has no end.\",\"refusal\":null,\
             \"annotations\":[]}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{usage},\
             \"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}}"
        )),
        first: delta(
            "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null",
            "null",
        ),
        middle: delta("\"content\":\" token\"", "null"),
        last: delta("", "\"stop\""),
        usage: chunk("", &format!(",\"usage\":{usage}")),
        done: Bytes::from_static(b"data: [DONE]\n\n"),
    }
});

/// As many events as OpenAI's for as much text; what stands around the text is in its first and last
/// ones.
static ANTHROPIC: LazyLock<Events> = LazyLock::new(|| {
    let event =
        |name: &str, data: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\",{data}}}\n\n");
    let usage = r#"{"input_tokens":19,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":62,"service_tier":"standard"}"#;
    let message = |content: &str, stop: &str| {
        format!(
            "\"id\":\"msg_01CaNnEdAnSwEr0123456789\",\"type\":\"message\",\"role\":\"assistant\",\
             \"model\":\"claude-sonnet-4-5-20250929\",\"content\":[{content}],\"stop_reason\":{stop},\
             \"stop_sequence\":null,\"usage\":{usage}"
        )
    };
    let text = r#"{"type":"text","text":"Nobody has asked the sea how deep it is; it answers all the same, with the patience of what has no end."}"#;
    let start = message("", "null");
    let first = [
        event("message_start", &format!("\"message\":{{{start}}}")),
        event(
            "content_block_start",
            r#""index":0,"content_block":{"type":"text","text":""}"#,
        ),
    ];
    let last = [
        event("content_block_stop", r#""index":0"#),
        event(
            "message_delta",
            &format!(
                "\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}},\"usage\":{usage}"
            ),
        ),
    ];
    Events {
        whole: Bytes::from(format!("{{{}}}", message(text, "\"end_turn\""))),
        first: Bytes::from(first.concat()),
        middle: Bytes::from(event(
            "content_block_delta",
            r#""index":0,"delta":{"type":"text_delta","text":" token"}"#,
        )),
        last: Bytes::from(last.concat()),
        usage: Bytes::new(),
        done: Bytes::from_static(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
    }
});

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn reads_what_is_asked_for() {
        let wish = Wish::read(br#"{"model":"m","user":"chunks=8 pace_ms=20","stream":true}"#);
        let pace = Some(Duration::from_millis(20));
        assert_eq!(
            wish,
            Wish {
                chunks: Some(8),
                pace,
                usage: false
            }
        );
        let wish = Wish::read(br#"{"model":"m","messages":[]}"#);
        assert_eq!(
            wish,
            Wish {
                chunks: None,
                pace: None,
                usage: false
            }
        );
    }

    #[tokio::test]
    async fn a_stream_is_its_chunks_and_an_end() {
        for usage in [false, true] {
            let wish = Wish {
                chunks: Some(64),
                pace: None,
                usage,
            };
            let answer = Answer::new(wish, Format::OpenAi);
            let text = answer
                .collect()
                .await
                .map(|all| all.to_bytes())
                .unwrap_or_default();
            let events = memchr::memmem::find_iter(&text, b"\n\n").count();
            assert_eq!(events, 65 + usize::from(usage));
            assert!(text.ends_with(b"data: [DONE]\n\n"));
        }
    }

    #[test]
    fn what_it_answers_is_json() {
        for events in [&*OPENAI, &*ANTHROPIC] {
            assert!(serde_json::from_slice::<serde_json::Value>(&events.whole).is_ok());
            for piece in [&events.first, &events.middle, &events.last, &events.usage] {
                let lines = piece.split(|byte| *byte == b'\n');
                for data in lines.filter_map(|line| line.strip_prefix(b"data: ")) {
                    assert!(serde_json::from_slice::<serde_json::Value>(data).is_ok());
                }
            }
        }
    }
}
