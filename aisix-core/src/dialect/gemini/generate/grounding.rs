//! Where an answer has its claims from.

use serde_json::{Value, json};

use super::wire::Rest;

/// The text of an answer as callers see it, and where the pieces of it came from.
#[derive(Debug, Default)]
pub(super) struct Said {
    text: String,
    /// By the place of the piece among all pieces, where in the text it begins.
    begins: Vec<(u64, usize)>,
}

impl Said {
    /// Adds a piece that is one by itself.
    pub(super) fn piece(&mut self, place: u64, text: &str) {
        self.begins.push((place, self.text.len()));
        self.text.push_str(text);
    }

    /// Adds to what was said: the pieces of a stream count as one.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Beginning and end of a segment, in characters of the text. The vendor counts bytes within
    /// a piece; where that does not fit, the segment is looked for by its words.
    fn span(&self, segment: &Value) -> Option<(usize, usize)> {
        let count = |name| segment.get(name).and_then(Value::as_u64);
        let offset = |name| usize::try_from(count(name).unwrap_or(0)).ok();
        let place = count("partIndex").unwrap_or(0);
        let begin = self.begins.iter().find(|(known, _)| *known == place);
        let begin = begin.map_or(0, |(_, begin)| *begin);
        let words = segment.get("text").and_then(Value::as_str);
        let start = begin.checked_add(offset("startIndex")?)?;
        let end = begin.checked_add(offset("endIndex")?)?;
        let found = self.text.get(start..end);
        let fits = found.is_some_and(|found| words.is_none_or(|words| words == found));
        let (start, end) = if fits {
            (start, end)
        } else {
            let words = words.filter(|words| !words.is_empty())?;
            let start = self.text.find(words)?;
            (start, start + words.len())
        };
        let characters = |end: usize| self.text[..end].chars().count();
        Some((characters(start), characters(end)))
    }
}

/// The citations of a candidate as OpenAI's annotations; nothing where there are none.
pub(super) fn annotations(candidate: &Rest, said: &Said) -> Option<Value> {
    let mut found = Vec::new();
    if let Some(grounding) = candidate.get("groundingMetadata") {
        let chunks = list(grounding, "groundingChunks");
        for support in list(grounding, "groundingSupports") {
            let Some(span) = support
                .get("segment")
                .and_then(|segment| said.span(segment))
            else {
                continue;
            };
            for index in list(support, "groundingChunkIndices") {
                let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                let chunk = index.and_then(|index| chunks.get(index));
                found.extend(chunk.and_then(|chunk| annotation(source(chunk)?, span)));
            }
        }
    }
    if let Some(citations) = candidate.get("citationMetadata") {
        for name in ["citationSources", "citations"] {
            for citation in list(citations, name) {
                found.extend(
                    said.span(citation)
                        .and_then(|span| annotation(citation, span)),
                );
            }
        }
    }
    (!found.is_empty()).then(|| found.into())
}

fn source(chunk: &Value) -> Option<&Value> {
    ["web", "retrievedContext", "maps"]
        .iter()
        .find_map(|kind| chunk.get(kind))
}

fn annotation(source: &Value, (start, end): (usize, usize)) -> Option<Value> {
    let url = source.get("uri")?.as_str()?;
    let title = source.get("title").and_then(Value::as_str).unwrap_or(url);
    Some(json!({
        "type": "url_citation",
        "url_citation": {
            "start_index": start,
            "end_index": end,
            "url": url,
            "title": title,
        },
    }))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}
