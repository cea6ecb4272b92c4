//! The sources that another format gives for a text, as the annotations of OpenAI.

use serde_json::{Value, json};

use super::wire::Rest;
use crate::conversation::{Extra, Message};
use crate::dialect::ANTHROPIC_MESSAGES;
use crate::dialect::openai::citation::{citations, streamed_citation};

/// What a streamed text was found in: told when the piece of text that it stands for is complete.
#[derive(Debug, Default)]
pub(super) struct Citations {
    /// How many characters were said, and where the open piece begins among them.
    said: usize,
    begin: usize,
    found: Vec<Value>,
    /// How many annotations were told.
    told: usize,
}

impl Citations {
    pub(super) fn say(&mut self, text: &str) {
        self.said += text.chars().count();
    }

    /// Takes note of what another format says beyond the model; what it has to tell is returned.
    pub(super) fn note(&mut self, extra: &Extra) -> Option<Value> {
        if let Some(citation) = streamed_citation(extra) {
            return self.number(vec![citation]);
        }
        if extra.get(ANTHROPIC, "content_block").is_some() {
            return self.tell();
        }
        let citation = extra.get(ANTHROPIC, "delta")?.get("citation")?;
        self.found.push(citation.clone());
        None
    }

    /// The annotations of the piece that is complete.
    pub(super) fn tell(&mut self) -> Option<Value> {
        let (begin, end) = (self.begin, self.said);
        self.begin = end;
        let found = std::mem::take(&mut self.found);
        let told = found
            .iter()
            .filter_map(|citation| annotation(citation, begin, end));
        let told = told.collect();
        self.number(told)
    }

    /// OpenAI's helper for streams puts a list together only if its elements say where they belong.
    fn number(&mut self, mut annotations: Vec<Value>) -> Option<Value> {
        for annotation in &mut annotations {
            annotation["index"] = self.told.into();
            self.told += 1;
        }
        (!annotations.is_empty()).then(|| json!({"annotations": annotations}))
    }
}

/// Adds the annotations of a whole answer.
pub(super) fn write_annotations(message: &Message, rest: &mut Rest) {
    let mut end = 0;
    let mut annotations = Vec::new();
    for part in &message.parts {
        let Some(text) = part.as_text() else { continue };
        let begin = end;
        end += text.chars().count();
        annotations.extend(citations(part));
        let cited = part.extra.get(ANTHROPIC, "citations");
        let cited = cited.and_then(Value::as_array).into_iter().flatten();
        annotations.extend(cited.filter_map(|citation| annotation(citation, begin, end)));
    }
    if !annotations.is_empty() {
        rest.entry("annotations")
            .or_insert_with(|| annotations.into());
    }
}

/// A page of the web, for the characters from `begin` to `end`; documents have no place here.
fn annotation(citation: &Value, begin: usize, end: usize) -> Option<Value> {
    let url = citation.get("url")?.as_str()?;
    let title = citation.get("title").and_then(Value::as_str);
    Some(json!({
        "type": "url_citation",
        "url_citation": {
            "url": url,
            "title": title.unwrap_or_default(),
            "start_index": begin,
            "end_index": end,
        },
    }))
}

const ANTHROPIC: &str = ANTHROPIC_MESSAGES.as_str();
