//! What the lines of models take, as data.
//!
//! Sources: <https://ai.google.dev/gemini-api/docs/thinking>,
//! <https://ai.google.dev/gemini-api/docs/gemini-3>, and what official clients do.

use crate::dialect::{Capabilities, TargetModel, ThinkingControl};

/// A model, as far as requests differ by it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) capabilities: Capabilities,
    pub(super) generation: Generation,
}

/// Steps in what the wire format can say to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Generation {
    /// Open models: no instruction of the system, no JSON mode.
    Gemma,
    /// Up to 2.0: no mode that validates calls.
    Two,
    /// 2.5.
    TwoFive,
    /// From 3 on: signatures are checked, calls have ids, tools may answer with pictures, functions
    /// go together with a JSON answer and with the vendor's own tools.
    Three,
}

/// A line of models, by the beginning of their names.
struct Line {
    prefix: &'static str,
    generation: Generation,
    thinking: Thinking,
    /// Whether temperature and the like have an effect.
    sampling: bool,
}

enum Thinking {
    Never,
    Budget { min: u64, max: u64, off: bool },
    Levels(&'static [&'static str]),
}

impl Model {
    pub(super) fn of(target: &TargetModel<'_>) -> Self {
        // Vertex and some gateways put a path before the name.
        let name = target.name().rsplit('/').next().unwrap_or_default();
        let line = LINES
            .iter()
            .find(|line| name.starts_with(line.prefix))
            .unwrap_or(&NEWEST);
        Self {
            capabilities: target.capabilities(&line.capabilities()),
            generation: line.generation,
        }
    }

    /// Whether calls and their results are told apart by ids.
    pub(super) fn has_call_ids(&self) -> bool {
        self.capabilities.tool_call_ids == Some(true)
    }

    pub(super) fn is_three(&self) -> bool {
        self.generation >= Generation::Three
    }
}

impl Line {
    const fn new(prefix: &'static str, generation: Generation, thinking: Thinking) -> Self {
        Self {
            prefix,
            generation,
            thinking,
            sampling: true,
        }
    }

    const fn without_sampling(mut self) -> Self {
        self.sampling = false;
        self
    }

    fn capabilities(&self) -> Capabilities {
        let is_three = self.generation >= Generation::Three;
        let mut capabilities = Capabilities {
            sampling: Some(self.sampling),
            penalties: Some(!is_three),
            json_schema: Some(self.generation > Generation::Gemma),
            tool_call_ids: Some(is_three),
            ..Capabilities::default()
        };
        match self.thinking {
            Thinking::Never => capabilities.thinking = Some(ThinkingControl::None),
            Thinking::Budget { min, max, off } => {
                capabilities.thinking = Some(ThinkingControl::Budget);
                capabilities.thinking_budget = Some((min, max));
                capabilities.thinking_off = Some(off);
            }
            Thinking::Levels(levels) => {
                let levels = levels.iter().copied().map(str::to_owned).collect();
                capabilities.thinking = Some(ThinkingControl::Level);
                capabilities.efforts = Some(levels);
                capabilities.thinking_off = Some(false);
            }
        }
        capabilities
    }
}

/// The first line whose prefix a name has is its own.
const LINES: &[Line] = &[
    Line::new("gemma-", Generation::Gemma, Thinking::Never),
    Line::new("gemini-1", Generation::Two, Thinking::Never),
    Line::new("gemini-2.0", Generation::Two, Thinking::Never),
    Line::new(
        "gemini-2.5-pro",
        Generation::TwoFive,
        Thinking::Budget {
            min: 128,
            max: 32_768,
            off: false,
        },
    ),
    Line::new(
        "gemini-2.5-flash-lite",
        Generation::TwoFive,
        Thinking::Budget {
            min: 512,
            max: 24_576,
            off: true,
        },
    ),
    Line::new(
        "gemini-2.5-flash-image",
        Generation::TwoFive,
        Thinking::Never,
    ),
    Line::new(
        "gemini-2.5",
        Generation::TwoFive,
        Thinking::Budget {
            min: 1,
            max: 24_576,
            off: true,
        },
    ),
    Line::new(
        "gemini-3-pro",
        Generation::Three,
        Thinking::Levels(&["low", "high"]),
    ),
    Line::new(
        "gemini-3.1-pro",
        Generation::Three,
        Thinking::Levels(FROM_LOW),
    ),
    Line::new(
        "gemini-3.5-flash-lite",
        Generation::Three,
        Thinking::Levels(FROM_MINIMAL),
    )
    .without_sampling(),
    Line::new(
        "gemini-3.6",
        Generation::Three,
        Thinking::Levels(FROM_MINIMAL),
    )
    .without_sampling(),
    Line::new("gemini-3.7", Generation::Three, Thinking::Levels(FROM_LOW)).without_sampling(),
    Line::new("gemini-3.8", Generation::Three, Thinking::Levels(FROM_LOW)).without_sampling(),
    Line::new(
        "gemini-3",
        Generation::Three,
        Thinking::Levels(FROM_MINIMAL),
    ),
];

/// A model that this version does not know is most likely a newer one; these levels all have.
const NEWEST: Line = Line::new("", Generation::Three, Thinking::Levels(FROM_LOW));

const FROM_MINIMAL: &[&str] = &["minimal", "low", "medium", "high"];

const FROM_LOW: &[&str] = &["low", "medium", "high"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_its_line() {
        let budget = |name| {
            Model::of(&TargetModel::new(name))
                .capabilities
                .thinking_budget
        };
        assert_eq!(budget("gemini-2.5-pro-preview-05-06"), Some((128, 32_768)));
        assert_eq!(budget("models/gemini-2.5-flash-lite"), Some((512, 24_576)));
        assert_eq!(budget("gemini-2.5-flash"), Some((1, 24_576)));
        assert_eq!(budget("gemini-3-flash-preview"), None);
        let generation = |name| Model::of(&TargetModel::new(name)).generation;
        assert_eq!(generation("google/gemini-2.0-flash"), Generation::Two);
        assert_eq!(generation("gemini-9-ultra"), Generation::Three);
    }

    #[test]
    fn the_operator_knows_better() {
        let told = Capabilities {
            tool_call_ids: Some(false),
            ..Capabilities::default()
        };
        let target = TargetModel::new("gemini-9-ultra").with_capabilities(Some(&told));
        assert!(!Model::of(&target).has_call_ids());
    }
}
