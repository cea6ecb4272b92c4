//! How much the model thinks.

use super::fault::{Param, unsupported};
use super::wire::ThinkingConfig;
use super::words::Words;
use crate::conversation::{ChatRequest, Effort, ReasoningMode, ReasoningOptions};
use crate::dialect::{Capabilities, ThinkingControl};
use crate::error::Result;

pub(super) fn read_thinking(wire: &ThinkingConfig, request: &mut ChatRequest) {
    let mut options = ReasoningOptions::default();
    match wire.thinking_budget {
        Some(0) => options.mode = Some(ReasoningMode::Disabled),
        Some(..0) => options.mode = Some(ReasoningMode::Adaptive),
        Some(budget) => options = ReasoningOptions::budget(budget.unsigned_abs()),
        None => {}
    }
    let level = wire.thinking_level.as_deref();
    options.effort = level.map(|level| Effort::from_name(&level.to_ascii_lowercase()));
    match wire.include_thoughts {
        Some(true) => options.display = Some(SUMMARIZED.to_owned()),
        Some(false) => options.display = Some(OMITTED.to_owned()),
        None => {}
    }
    if wire.thinking_level.as_deref() == Some("THINKING_LEVEL_UNSPECIFIED") {
        options.effort = None;
    }
    request.reasoning = Some(options);
}

pub(super) fn write_thinking(
    request: &ChatRequest,
    words: &Words<'_>,
) -> Result<Option<ThinkingConfig>> {
    let Some(options) = &request.reasoning else {
        return Ok(None);
    };
    if words.is_own {
        return Ok(Some(as_it_came(options)));
    }
    let capabilities = &words.model.capabilities;
    let wanted = Wanted::of(options);
    let mut config = ThinkingConfig::default();
    match capabilities.thinking {
        Some(ThinkingControl::None) => {
            return match wanted {
                Wanted::Nothing | Wanted::Default => Ok(None),
                _ => Err(unsupported(
                    Param::Effort.name(request),
                    "how much a model thinks that does not think",
                )),
            };
        }
        Some(ThinkingControl::Budget) => config.thinking_budget = budget(&wanted, capabilities),
        _ => {
            config.thinking_level = level(&wanted, capabilities).map_err(|()| {
                unsupported(Param::Effort.name(request), "this effort to this model")
            })?;
        }
    }
    let shows = match options.display.as_deref() {
        Some(display) => display != OMITTED && display != "none",
        None => !matches!(wanted, Wanted::Nothing),
    };
    config.include_thoughts = shows.then_some(true);
    let is_empty = config.thinking_budget.is_none()
        && config.thinking_level.is_none()
        && config.include_thoughts.is_none();
    Ok((!is_empty).then_some(config))
}

fn as_it_came(options: &ReasoningOptions) -> ThinkingConfig {
    let budget = match options.mode {
        Some(ReasoningMode::Disabled) => Some(0),
        Some(ReasoningMode::Adaptive) => Some(-1),
        _ => options
            .budget_tokens
            .and_then(|tokens| tokens.try_into().ok()),
    };
    ThinkingConfig {
        include_thoughts: options.display.as_deref().map(|display| display != OMITTED),
        thinking_budget: budget,
        thinking_level: options
            .effort
            .as_ref()
            .map(|effort| effort.as_str().to_ascii_uppercase()),
        ..ThinkingConfig::default()
    }
}

/// What the caller wants, whichever way it said so.
enum Wanted<'a> {
    Default,
    Nothing,
    Effort(&'a Effort),
    Tokens(u64),
    /// As much as the model decides.
    Any,
}

impl<'a> Wanted<'a> {
    fn of(options: &'a ReasoningOptions) -> Self {
        match (&options.effort, options.mode, options.budget_tokens) {
            (Some(Effort::None), ..) | (_, Some(ReasoningMode::Disabled), _) => Self::Nothing,
            (Some(effort), ..) => Self::Effort(effort),
            (None, _, Some(0)) => Self::Nothing,
            (None, _, Some(tokens)) => Self::Tokens(tokens),
            (None, Some(_), None) => Self::Any,
            (None, None, None) => Self::Default,
        }
    }
}

/// Google's own compatibility layer has the same steps.
///
/// Source: <https://ai.google.dev/gemini-api/docs/openai#thinking>.
fn budget(wanted: &Wanted<'_>, capabilities: &Capabilities) -> Option<i64> {
    let (min, max) = capabilities.thinking_budget.unwrap_or((1, 24_576));
    let tokens = match wanted {
        Wanted::Default => return None,
        Wanted::Any => return Some(-1),
        Wanted::Nothing if capabilities.thinking_off == Some(true) => return Some(0),
        Wanted::Nothing => min,
        Wanted::Tokens(tokens) => *tokens,
        Wanted::Effort(effort) => match effort {
            Effort::None | Effort::Minimal => min,
            Effort::Low => 1024,
            Effort::Medium => 8192,
            Effort::High => 24_576,
            Effort::XHigh | Effort::Max => max,
            Effort::Other(_) => return Some(-1),
        },
    };
    i64::try_from(tokens.clamp(min, max.max(min))).ok()
}

/// The level that is wanted, or the next one that the model has: up, else down.
fn level(wanted: &Wanted<'_>, capabilities: &Capabilities) -> Result<Option<String>, ()> {
    let levels = capabilities.efforts.as_deref().unwrap_or_default();
    let effort = match wanted {
        Wanted::Default | Wanted::Any => return Ok(None),
        Wanted::Nothing => &Effort::None,
        Wanted::Tokens(0..=4096) => &Effort::Low,
        Wanted::Tokens(4097..=16_384) => &Effort::Medium,
        Wanted::Tokens(_) => &Effort::High,
        Wanted::Effort(effort) => effort,
    };
    let named = levels
        .iter()
        .find(|level| level.eq_ignore_ascii_case(effort.as_str()));
    let Some(wanted) = rank(effort) else {
        return named
            .map(|level| Some(level.to_ascii_uppercase()))
            .ok_or(());
    };
    let reaches =
        |level: &&String| rank(&Effort::from_name(level)).is_some_and(|own| own >= wanted);
    let level = named
        .or_else(|| levels.iter().find(reaches))
        .or_else(|| levels.last());
    Ok(level.map(|level| level.to_ascii_uppercase()))
}

fn rank(effort: &Effort) -> Option<u8> {
    Some(match effort {
        Effort::None => 0,
        Effort::Minimal => 1,
        Effort::Low => 2,
        Effort::Medium => 3,
        Effort::High => 4,
        Effort::XHigh => 5,
        Effort::Max => 6,
        Effort::Other(_) => return None,
    })
}

const SUMMARIZED: &str = "summarized";
const OMITTED: &str = "omitted";
