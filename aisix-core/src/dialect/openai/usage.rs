use serde_json::{Map, Value};

use crate::conversation::Usage;
use crate::json::{Cursor, SyntaxError};

/// The counts of a `usage` object, as the vendors name them.
#[derive(Default)]
struct Counts {
    input: u64,
    output: u64,
    total: Option<u64>,
    cached: u64,
    /// DeepSeek's own name for it, the only one in its older answers.
    cache_hit: u64,
    cache_write: u64,
    input_audio: u64,
    reasoning: u64,
    output_audio: u64,
}

/// How a format calls its counts.
#[derive(Debug)]
pub(super) struct Words {
    input: &'static str,
    output: &'static str,
    input_details: &'static str,
    output_details: &'static str,
    /// Whether the tokens written to a cache are told even when there are none.
    tells_cache_writes: bool,
}

/// The words of chat completions and of most others.
pub(super) const TOKENS_OF_CHAT: Words = Words {
    input: "prompt_tokens",
    output: "completion_tokens",
    input_details: "prompt_tokens_details",
    output_details: "completion_tokens_details",
    tells_cache_writes: false,
};

/// The words of responses.
pub(super) const TOKENS_OF_RESPONSES: Words = Words {
    input: "input_tokens",
    output: "output_tokens",
    input_details: "input_tokens_details",
    output_details: "output_tokens_details",
    tells_cache_writes: true,
};

/// Reads the counts of a `usage` object where it stands; `None` if it is no object.
///
/// Lenient in every field: a count that cannot be read is no reason to lose an answer.
pub(super) fn read_usage(
    usage: &mut Cursor<'_>,
    words: &Words,
) -> Result<Option<Usage>, SyntaxError> {
    if !usage.is_object() {
        return Ok(None);
    }
    let mut counts = Counts::default();
    usage.members::<SyntaxError>(|name, value| {
        if name == words.input {
            counts.input = count(value)?;
        } else if name == words.output {
            counts.output = count(value)?;
        } else if name == "total_tokens" {
            counts.total = Some(count(value)?);
        } else if name == "prompt_cache_hit_tokens" {
            counts.cache_hit = count(value)?;
        } else if name == words.input_details {
            value.members::<SyntaxError>(|name, value| {
                match name {
                    "cached_tokens" => counts.cached = count(value)?,
                    "cache_write_tokens" => counts.cache_write = count(value)?,
                    "audio_tokens" => counts.input_audio = count(value)?,
                    _ => {}
                }
                Ok(())
            })?;
        } else if name == words.output_details {
            value.members::<SyntaxError>(|name, value| {
                match name {
                    "reasoning_tokens" => counts.reasoning = count(value)?,
                    "audio_tokens" => counts.output_audio = count(value)?,
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(Some(counts.into_usage()))
}

/// Takes the counts out of a `usage` object; what other vendors count beside them stays in it.
pub(super) fn take_usage(map: &mut Map<String, Value>, words: &Words) -> Usage {
    let mut counts = Counts {
        input: take(map, words.input).unwrap_or(0),
        output: take(map, words.output).unwrap_or(0),
        total: take(map, "total_tokens"),
        cache_hit: map
            .get("prompt_cache_hit_tokens")
            .and_then(to_count)
            .unwrap_or(0),
        ..Counts::default()
    };
    if let Some(details) = details(map, words.input_details) {
        counts.cached = take(details, "cached_tokens").unwrap_or(0);
        counts.cache_write = take(details, "cache_write_tokens").unwrap_or(0);
        counts.input_audio = take(details, "audio_tokens").unwrap_or(0);
    }
    if let Some(details) = details(map, words.output_details) {
        counts.reasoning = take(details, "reasoning_tokens").unwrap_or(0);
        counts.output_audio = take(details, "audio_tokens").unwrap_or(0);
    }
    counts.into_usage()
}

impl Counts {
    fn into_usage(self) -> Usage {
        let mut usage = Usage::new(self.input, self.output);
        usage.cached_input_tokens = if self.cached == 0 {
            self.cache_hit
        } else {
            self.cached
        };
        usage.cache_write_tokens = self.cache_write;
        usage.input_audio_tokens = self.input_audio;
        usage.reasoning_tokens = self.reasoning;
        usage.output_audio_tokens = self.output_audio;
        // xAI counts the reasoning beside the completion, which shows in its total.
        if self.reasoning > 0 && self.total == Some(usage.total() + self.reasoning) {
            usage.output_tokens += self.reasoning;
        }
        usage
    }
}

/// Writes the counts, and beside them `rest`, as [`take_usage`] left it.
///
/// The details of OpenAI are always there for an answer of another format, else where the
/// upstream had them.
pub(super) fn usage_map(
    usage: &Usage,
    rest: Option<&Map<String, Value>>,
    words: &Words,
) -> Map<String, Value> {
    let mut map = rest.cloned().unwrap_or_default();
    let own = rest.is_none();
    let mut out = Map::new();
    out.insert(words.input.to_owned(), usage.input_tokens.into());
    out.insert(words.output.to_owned(), usage.output_tokens.into());
    out.insert("total_tokens".to_owned(), usage.total().into());
    let input = [
        ("cached_tokens", usage.cached_input_tokens, own),
        (
            "cache_write_tokens",
            usage.cache_write_tokens,
            own && words.tells_cache_writes,
        ),
        ("audio_tokens", usage.input_audio_tokens, false),
    ];
    let output = [
        ("reasoning_tokens", usage.reasoning_tokens, own),
        ("audio_tokens", usage.output_audio_tokens, false),
    ];
    put_details(&mut out, &mut map, words.input_details, &input);
    put_details(&mut out, &mut map, words.output_details, &output);
    out.extend(map);
    out
}

fn put_details(
    out: &mut Map<String, Value>,
    rest: &mut Map<String, Value>,
    name: &str,
    counts: &[(&str, u64, bool)],
) {
    let kept = rest.shift_remove(name);
    let had = kept.is_some();
    let mut details = match kept {
        Some(Value::Object(details)) => details,
        _ => Map::new(),
    };
    for &(count, value, always) in counts {
        if value > 0 || always || had && always_present(count) {
            details.insert(count.to_owned(), value.into());
        }
    }
    if had || !details.is_empty() {
        out.insert(name.to_owned(), details.into());
    }
}

fn always_present(count: &str) -> bool {
    matches!(count, "cached_tokens" | "reasoning_tokens")
}

fn details<'a>(map: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    map.get_mut(name)?.as_object_mut()
}

fn take(map: &mut Map<String, Value>, name: &str) -> Option<u64> {
    let count = map.get(name).and_then(to_count)?;
    map.shift_remove(name);
    Some(count)
}

fn count(value: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    let raw = value.raw()?;
    Ok(raw
        .to_u64()
        .or_else(|| raw.to_f64().and_then(whole))
        .unwrap_or(0))
}

fn to_count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().and_then(whole))
}

/// Some vendors write counts as `12.0`.
fn whole(count: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the filter keeps what a u64 holds; a count beyond 2^53 is none"
    )]
    (0.0..=9_007_199_254_740_992.0)
        .contains(&count)
        .then_some(count as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> (Usage, Map<String, Value>) {
        let Value::Object(mut map) = value else {
            panic!("an object")
        };
        let text = Value::Object(map.clone()).to_string();
        let usage = take_usage(&mut map, &TOKENS_OF_CHAT);
        let seen = read_usage(&mut Cursor::new(text.as_bytes()).unwrap(), &TOKENS_OF_CHAT).unwrap();
        assert_eq!(seen, Some(usage), "{text}");
        (usage, map)
    }

    #[test]
    fn reads_what_openai_counts() {
        let (usage, rest) = read(json!({
            "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 5, "accepted_prediction_tokens": 0},
        }));
        assert_eq!((usage.input_tokens, usage.output_tokens), (100, 20));
        assert_eq!((usage.cached_input_tokens, usage.reasoning_tokens), (80, 5));
        assert_eq!(
            rest["completion_tokens_details"],
            json!({"accepted_prediction_tokens": 0})
        );
        let written = usage_map(&usage, Some(&rest), &TOKENS_OF_CHAT);
        assert_eq!(written["prompt_tokens_details"]["audio_tokens"], 3);
        assert_eq!(read(written.into()).0, usage);
    }

    #[test]
    fn reads_the_cache_hits_of_deepseek() {
        let (usage, _) = read(json!({"prompt_tokens": 10, "prompt_cache_hit_tokens": 4}));
        assert_eq!(usage.cached_input_tokens, 4);
    }

    #[test]
    fn counts_reasoning_that_stands_beside_the_completion() {
        let (usage, _) = read(json!({
            "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 112,
            "completion_tokens_details": {"reasoning_tokens": 100},
        }));
        assert_eq!(usage.output_tokens, 102);
    }

    #[test]
    fn nonsense_counts_nothing() {
        let (usage, _) =
            read(json!({"prompt_tokens": null, "completion_tokens": "7", "total_tokens": 7.0}));
        assert!(usage.is_zero());
    }

    #[test]
    fn an_answer_of_another_format_gets_the_details_of_openai() {
        let written = usage_map(&Usage::new(1, 2), None, &TOKENS_OF_CHAT);
        assert_eq!(
            Value::from(written).to_string(),
            r#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}"#
        );
    }
}
