use serde_json::{Map, Value};

use crate::conversation::Usage;
use crate::json::{Cursor, SyntaxError};

/// The counts of a `usage` object.
#[derive(Default)]
struct Counts {
    /// What was neither read from a cache nor written to one.
    input: u64,
    output: u64,
    cache_write: u64,
    cache_read: u64,
    thinking: u64,
}

/// Reads the counts of a `usage` object where it stands; `None` if it is no object.
pub(super) fn read_usage(usage: &mut Cursor<'_>) -> Result<Option<Usage>, SyntaxError> {
    if !usage.is_object() {
        return Ok(None);
    }
    let mut counts = Counts::default();
    let mut iterations = None;
    usage.members::<SyntaxError>(|name, value| {
        match name {
            "input_tokens" => counts.input = count(value)?,
            "output_tokens" => counts.output = count(value)?,
            "cache_creation_input_tokens" => counts.cache_write = count(value)?,
            "cache_read_input_tokens" => counts.cache_read = count(value)?,
            "output_tokens_details" => value.members::<SyntaxError>(|name, value| {
                if name == "thinking_tokens" {
                    counts.thinking = count(value)?;
                }
                Ok(())
            })?,
            "iterations" => iterations = Some(value.raw()?),
            _ => {}
        }
        Ok(())
    })?;
    // Rare, and never in the events of a text.
    let iterations = iterations.and_then(|raw| serde_json::from_str(raw.as_json()).ok());
    Ok(Some(counts.into_usage(iterations.as_ref())))
}

/// The counts of a `usage` object.
pub(super) fn usage_of(map: &Map<String, Value>) -> Usage {
    Counts::of(map).into_usage(map.get("iterations"))
}

/// Writes the counts; `kept` is what Anthropic itself said, and is written if it says the same.
pub(super) fn usage_map(usage: &Usage, kept: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut map = match kept {
        Some(kept) if usage_of(kept) == *usage => return kept.clone(),
        Some(kept) => kept.clone(),
        None => Map::new(),
    };
    // They would contradict the new counts.
    map.shift_remove("iterations");
    let cached = usage
        .cached_input_tokens
        .saturating_add(usage.cache_write_tokens);
    let plain = usage.input_tokens.saturating_sub(cached);
    for (name, count) in [
        ("input_tokens", plain),
        ("cache_creation_input_tokens", usage.cache_write_tokens),
        ("cache_read_input_tokens", usage.cached_input_tokens),
        ("output_tokens", usage.output_tokens),
    ] {
        map.insert(name.to_owned(), count.into());
    }
    if usage.reasoning_tokens > 0 {
        let details = serde_json::json!({"thinking_tokens": usage.reasoning_tokens});
        map.insert("output_tokens_details".to_owned(), details);
    }
    map
}

/// Overwrites what a later event counts anew: counts are cumulative, and some are told only once.
pub(super) fn merge(known: &mut Map<String, Value>, later: Map<String, Value>) {
    for (name, value) in later {
        if !value.is_null() {
            known.insert(name, value);
        }
    }
}

impl Counts {
    fn of(map: &Map<String, Value>) -> Self {
        let count = |name: &str| map.get(name).and_then(Value::as_u64).unwrap_or(0);
        let details = map.get("output_tokens_details");
        Self {
            input: count("input_tokens"),
            output: count("output_tokens"),
            cache_write: count("cache_creation_input_tokens"),
            cache_read: count("cache_read_input_tokens"),
            thinking: details
                .and_then(|details| details.get("thinking_tokens")?.as_u64())
                .unwrap_or(0),
        }
    }

    /// The tokens of a compaction are in none of the sums; those of a fallback are in all.
    fn into_usage(mut self, iterations: Option<&Value>) -> Usage {
        let iterations = iterations.and_then(Value::as_array).into_iter().flatten();
        for map in iterations.filter_map(Value::as_object) {
            if map.get("type").is_some_and(|kind| kind == "compaction") {
                let more = Self::of(map);
                self.input = self.input.saturating_add(more.input);
                self.output = self.output.saturating_add(more.output);
                self.cache_write = self.cache_write.saturating_add(more.cache_write);
                self.cache_read = self.cache_read.saturating_add(more.cache_read);
            }
        }
        let input = self
            .input
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_read);
        Usage::new(input, self.output)
            .with_cached_input_tokens(self.cache_read)
            .with_cache_write_tokens(self.cache_write)
            .with_reasoning_tokens(self.thinking)
    }
}

fn count(value: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    Ok(value.raw()?.to_u64().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Usage {
        let text = value.to_string();
        let Value::Object(map) = value else {
            panic!("an object")
        };
        let usage = usage_of(&map);
        let seen = read_usage(&mut Cursor::new(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(seen, Some(usage));
        assert_eq!(usage_map(&usage, Some(&map)), map);
        let mut again = usage_map(&usage, None);
        assert_eq!(usage_of(&again), usage);
        merge(&mut again, map);
        usage
    }

    #[test]
    fn the_input_includes_what_was_cached() {
        let usage = read(json!({
            "input_tokens": 3, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 20,
            "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 5},
        }));
        assert_eq!((usage.input_tokens, usage.output_tokens), (123, 7));
        assert_eq!(
            (usage.cached_input_tokens, usage.cache_write_tokens),
            (20, 100)
        );
        assert_eq!(usage.reasoning_tokens, 5);
    }

    #[test]
    fn a_compaction_is_paid_for_too() {
        let usage = read(json!({
            "input_tokens": 3, "output_tokens": 7,
            "iterations": [
                {"type": "compaction", "input_tokens": 1000, "output_tokens": 50},
                {"type": "message", "input_tokens": 3, "output_tokens": 7},
            ],
        }));
        assert_eq!((usage.input_tokens, usage.output_tokens), (1003, 57));
    }

    #[test]
    fn later_counts_replace_and_missing_ones_stay() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let mut known = map(json!({"input_tokens": 9, "output_tokens": 1}));
        merge(
            &mut known,
            map(json!({"output_tokens": 5, "input_tokens": null})),
        );
        assert_eq!(usage_of(&known), Usage::new(9, 5));
    }
}
