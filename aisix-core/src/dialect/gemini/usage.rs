//! The counts of `usageMetadata`.

use serde_json::{Map, Value};

use crate::conversation::Usage;
use crate::json::{Cursor, SyntaxError};

#[derive(Default)]
struct Counts {
    prompt: Option<u64>,
    cached: u64,
    tool_use: u64,
    candidates: u64,
    thoughts: u64,
    total: Option<u64>,
    input_audio: u64,
    output_audio: u64,
}

/// Reads the counts where they stand; `None` if they are no object, or count nothing.
///
/// Lenient in every field: a count that cannot be read is no reason to lose an answer.
pub(super) fn read_usage(usage: &mut Cursor<'_>) -> Result<Option<Usage>, SyntaxError> {
    if !usage.is_object() {
        return Ok(None);
    }
    let mut counts = Counts::default();
    let mut any = false;
    usage.members::<SyntaxError>(|name, value| {
        let count = match name {
            "promptTokenCount" => counts.prompt.get_or_insert_default(),
            "cachedContentTokenCount" => &mut counts.cached,
            "toolUsePromptTokenCount" => &mut counts.tool_use,
            "candidatesTokenCount" => &mut counts.candidates,
            "thoughtsTokenCount" => &mut counts.thoughts,
            "totalTokenCount" => counts.total.get_or_insert_default(),
            "promptTokensDetails" => return read_audio(value, &mut counts.input_audio),
            "candidatesTokensDetails" => return read_audio(value, &mut counts.output_audio),
            _ => return Ok(()),
        };
        any = true;
        *count = value.raw()?.to_u64().unwrap_or(0);
        Ok(())
    })?;
    Ok(any.then(|| counts.into_usage()))
}

fn read_audio(details: &mut Cursor<'_>, tokens: &mut u64) -> Result<(), SyntaxError> {
    details.elements::<SyntaxError>(|detail| {
        let mut is_audio = false;
        let mut count = 0;
        detail.members::<SyntaxError>(|name, value| {
            match name {
                "modality" => is_audio = value.raw()?.as_json() == "\"AUDIO\"",
                "tokenCount" => count = value.raw()?.to_u64().unwrap_or(0),
                _ => {}
            }
            Ok(())
        })?;
        if is_audio {
            *tokens = count;
        }
        Ok(())
    })
}

/// Takes the counts out of the object; details stay in it. `None` if it counts nothing.
pub(super) fn take_usage(map: &mut Map<String, Value>) -> Option<Usage> {
    let mut any = false;
    let mut take = |name: &str| {
        let count = map.get(name).and_then(Value::as_u64)?;
        map.shift_remove(name);
        any = true;
        Some(count)
    };
    let counts = Counts {
        prompt: take("promptTokenCount"),
        cached: take("cachedContentTokenCount").unwrap_or(0),
        candidates: take("candidatesTokenCount").unwrap_or(0),
        thoughts: take("thoughtsTokenCount").unwrap_or(0),
        total: take("totalTokenCount"),
        // It stays: the neutral counts do not tell it from the rest of the prompt.
        tool_use: map.get(TOOL_USE).and_then(Value::as_u64).unwrap_or(0),
        input_audio: audio(map, "promptTokensDetails"),
        output_audio: audio(map, "candidatesTokensDetails"),
    };
    any.then(|| counts.into_usage())
}

fn audio(map: &Map<String, Value>, details: &str) -> u64 {
    let details = map.get(details).and_then(Value::as_array);
    let mut details = details.into_iter().flatten();
    details
        .find(|detail| detail.get("modality").is_some_and(|name| name == "AUDIO"))
        .and_then(|detail| detail.get("tokenCount")?.as_u64())
        .unwrap_or(0)
}

impl Counts {
    fn into_usage(self) -> Usage {
        // Of a prompt that was blocked only the total may be told.
        let others = [self.tool_use, self.candidates, self.thoughts];
        let prompt = self.prompt.unwrap_or_else(|| {
            let total = self.total.unwrap_or(0);
            others
                .iter()
                .fold(total, |left, count| left.saturating_sub(*count))
        });
        let input = prompt.saturating_add(self.tool_use);
        // Some models and gateways count the thoughts among the candidates, which shows in the total.
        let inclusive = self.total == Some(input.saturating_add(self.candidates));
        let thoughts = if inclusive { 0 } else { self.thoughts };
        let mut usage = Usage::new(input, self.candidates.saturating_add(thoughts))
            .with_cached_input_tokens(self.cached)
            .with_reasoning_tokens(self.thoughts);
        usage.input_audio_tokens = self.input_audio;
        usage.output_audio_tokens = self.output_audio;
        usage
    }
}

/// Writes the counts, and beside them `rest`, as [`take_usage`] left it.
pub(super) fn usage_map(usage: &Usage, rest: Option<&Map<String, Value>>) -> Map<String, Value> {
    let tool_use = rest
        .and_then(|rest| rest.get(TOOL_USE)?.as_u64())
        .unwrap_or(0);
    let visible = usage.output_tokens.saturating_sub(usage.reasoning_tokens);
    let mut out = Map::new();
    let mut put = |name: &str, count: u64| {
        if count > 0 {
            out.insert(name.to_owned(), count.into());
        }
    };
    put(
        "promptTokenCount",
        usage.input_tokens.saturating_sub(tool_use),
    );
    put("cachedContentTokenCount", usage.cached_input_tokens);
    put("candidatesTokenCount", visible);
    put("thoughtsTokenCount", usage.reasoning_tokens);
    out.insert("totalTokenCount".to_owned(), usage.total().into());
    match rest {
        Some(rest) => out.extend(rest.clone()),
        None => {
            put_audio(&mut out, "promptTokensDetails", usage.input_audio_tokens);
            put_audio(
                &mut out,
                "candidatesTokensDetails",
                usage.output_audio_tokens,
            );
        }
    }
    out
}

fn put_audio(out: &mut Map<String, Value>, details: &str, tokens: u64) {
    if tokens > 0 {
        let audio = serde_json::json!([{"modality": "AUDIO", "tokenCount": tokens}]);
        out.insert(details.to_owned(), audio);
    }
}

const TOOL_USE: &str = "toolUsePromptTokenCount";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> (Option<Usage>, Map<String, Value>) {
        let Value::Object(mut map) = value else {
            panic!("an object")
        };
        let text = Value::Object(map.clone()).to_string();
        let usage = take_usage(&mut map);
        let seen = read_usage(&mut Cursor::new(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(seen, usage, "{text}");
        (usage, map)
    }

    #[test]
    fn thoughts_are_output_and_tools_are_input() {
        let (usage, rest) = read(json!({
            "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 3,
            "thoughtsTokenCount": 7, "totalTokenCount": 25, "cachedContentTokenCount": 4,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 8}, {"modality": "AUDIO", "tokenCount": 2}
            ],
        }));
        let usage = usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (15, 10));
        assert_eq!((usage.cached_input_tokens, usage.reasoning_tokens), (4, 7));
        assert_eq!(usage.input_audio_tokens, 2);
        let written = usage_map(&usage, Some(&rest));
        assert_eq!(written["promptTokenCount"], 10);
        assert_eq!(read(written.into()).0, Some(usage));
    }

    #[test]
    fn thoughts_that_the_candidates_include_are_not_counted_twice() {
        let (usage, _) = read(json!({
            "promptTokenCount": 10, "candidatesTokenCount": 9, "thoughtsTokenCount": 7,
            "totalTokenCount": 19,
        }));
        assert_eq!(usage.unwrap().output_tokens, 9);
    }

    #[test]
    fn what_counts_nothing_is_no_usage() {
        assert_eq!(read(json!({"trafficType": "ON_DEMAND"})).0, None);
        let (usage, _) = read(json!({"totalTokenCount": 3}));
        assert_eq!(usage, Some(Usage::new(3, 0)));
    }
}
