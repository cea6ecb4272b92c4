//! How much a model thinks.

use serde_json::{Map, Value, json};

use super::super::models::MIN_BUDGET;
use super::request::read_format;
use super::wire::{Block, take_text, text_of};
use crate::conversation::{
    ChatRequest, Effort, PartKind, ReasoningMode, ReasoningOptions, Role, ToolChoice,
};
use crate::dialect::{Capabilities, ThinkingControl};
use crate::error::{Error, Result};

/// Reads `thinking` and `output_config`; what the model has no place for stays in `rest`.
pub(super) fn read_thinking(
    thinking: Option<Block>,
    output_config: Option<Block>,
    request: &mut ChatRequest,
    rest: &mut Block,
) {
    let mut options = ReasoningOptions::default();
    if let Some(mut thinking) = thinking {
        take_options(&mut thinking, &mut options);
        keep(rest, THINKING, thinking);
    }
    if let Some(mut config) = output_config {
        if let Some(effort) = take_text(&mut config, "effort") {
            options.effort = Some(Effort::from_name(&effort));
        }
        if let Some(format) = config.shift_remove("format") {
            request.format = Some(read_format(format));
        }
        keep(rest, OUTPUT_CONFIG, config);
    }
    if options != ReasoningOptions::default() {
        request.reasoning = Some(options);
    }
}

fn take_options(thinking: &mut Block, options: &mut ReasoningOptions) {
    options.mode = read_mode(text_of(thinking, "type"));
    if options.mode.is_none() {
        return;
    }
    thinking.shift_remove("type");
    if let Some(budget) = thinking.get("budget_tokens").and_then(Value::as_u64) {
        thinking.shift_remove("budget_tokens");
        options.budget_tokens = Some(budget);
    }
    options.display = take_text(thinking, "display");
}

/// Anthropic's `thinking` beside the fields of another format, as its own compatibility layer takes
/// it.
pub(super) fn wished(thinking: &Value) -> Option<ReasoningOptions> {
    let mut options = ReasoningOptions::default();
    take_options(&mut thinking.as_object()?.clone(), &mut options);
    options.mode.is_some().then_some(options)
}

/// The same `thinking` and `output_config` again, the latter without its format.
pub(super) fn write_own_thinking(
    request: &ChatRequest,
    rest: &mut Block,
) -> (Option<Value>, Option<Block>) {
    let mut take = |name| match rest.shift_remove(name) {
        Some(Value::Object(map)) => Some(map),
        _ => None,
    };
    let (mut thinking, mut config) = (take(THINKING), take(OUTPUT_CONFIG));
    let options = request.reasoning.as_ref();
    if let Some(mode) = options.and_then(|options| options.mode) {
        let options = options.cloned().unwrap_or_default();
        let mut out = Map::new();
        out.insert("type".to_owned(), mode_name(mode).into());
        if let Some(budget) = options.budget_tokens {
            out.insert("budget_tokens".to_owned(), budget.into());
        }
        if let Some(display) = options.display {
            out.insert("display".to_owned(), display.into());
        }
        out.extend(thinking.unwrap_or_default());
        thinking = Some(out);
    }
    if let Some(effort) = options.and_then(|options| options.effort.as_ref()) {
        config
            .get_or_insert_default()
            .insert("effort".to_owned(), effort.as_str().into());
    }
    (thinking.map(Value::from), config)
}

/// What a conversation of another format asks of this model.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) thinking: Option<Value>,
    pub(super) effort: Option<String>,
    /// Whether it thinks within a budget, which rules out a temperature.
    pub(super) is_budget: bool,
}

impl Plan {
    /// Fits the wish to the model.
    ///
    /// What a caller says of tools and of the length of an answer binds, how hard a model thinks is
    /// a wish: a budget is cut to the length, and left out where a tool is forced or where the
    /// thoughts of the turn that goes on were not sent back.
    pub(super) fn new(
        request: &ChatRequest,
        wished: Option<&ReasoningOptions>,
        model: &Capabilities,
        max_tokens: u64,
    ) -> Result<Self> {
        let Some(options) = request.reasoning.as_ref().or(wished) else {
            return Ok(Self::default());
        };
        let is_off = options.effort == Some(Effort::None)
            || options.mode == Some(ReasoningMode::Disabled)
            || options.budget_tokens == Some(0);
        match model.thinking.unwrap_or(ThinkingControl::Adaptive) {
            ThinkingControl::None if is_off => Ok(Self::default()),
            ThinkingControl::None => Err(Error::unsupported(
                "reasoning_effort",
                "The model does not think.",
            )),
            ThinkingControl::Budget if is_off => Ok(Self::default()),
            ThinkingControl::Budget => Ok(Self::budget(request, options, model, max_tokens)),
            control if is_off => Ok(Self::off(control, model)),
            _ => Ok(Self::adaptive(options, model)),
        }
    }

    fn off(control: ThinkingControl, model: &Capabilities) -> Self {
        if control == ThinkingControl::BetweenTools {
            return Self {
                thinking: Some(json!({"type": "between_tools"})),
                ..Self::default()
            };
        }
        if model.thinking_off != Some(false) {
            return Self {
                thinking: Some(json!({"type": "disabled"})),
                ..Self::default()
            };
        }
        Self {
            effort: efforts(model).first().cloned(),
            ..Self::default()
        }
    }

    fn adaptive(options: &ReasoningOptions, model: &Capabilities) -> Self {
        let display = shown(options);
        Self {
            thinking: Some(json!({"type": "adaptive", "display": display})),
            effort: options
                .effort
                .clone()
                .or_else(|| options.budget_tokens.map(effort_of))
                .and_then(|effort| nearest(&effort, efforts(model))),
            is_budget: false,
        }
    }

    fn budget(
        request: &ChatRequest,
        options: &ReasoningOptions,
        model: &Capabilities,
        max_tokens: u64,
    ) -> Self {
        let (least, most) = model.thinking_budget.unwrap_or((MIN_BUDGET, u64::MAX));
        let asked = options
            .budget_tokens
            .unwrap_or_else(|| options.effort.as_ref().map_or(MEDIUM, budget_of));
        let most = most.min(max_tokens.saturating_sub(1));
        if most < least || forces_tool(request) || lacks_thoughts(request) {
            return Self::default();
        }
        let budget = asked.clamp(least, most);
        let mut thinking = json!({"type": "enabled", "budget_tokens": budget});
        if options.display.is_some() {
            thinking["display"] = shown(options).into();
        }
        Self {
            thinking: Some(thinking),
            effort: None,
            is_budget: true,
        }
    }
}

/// The newest models show nothing unless they are asked to.
fn shown(options: &ReasoningOptions) -> &str {
    match options.display.as_deref() {
        Some("omitted") => "omitted",
        _ => "summarized",
    }
}

fn efforts(model: &Capabilities) -> &[String] {
    model.efforts.as_deref().unwrap_or_default()
}

/// The least effort that is no less than `asked`, or else the greatest.
fn nearest(asked: &Effort, known: &[String]) -> Option<String> {
    let Some(rank) = rank(asked.as_str()) else {
        return Some(asked.as_str().to_owned());
    };
    let enough = known
        .iter()
        .find(|effort| self::rank(effort).is_some_and(|known| known >= rank));
    enough.or_else(|| known.last()).cloned()
}

fn rank(effort: &str) -> Option<usize> {
    const ORDER: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    ORDER.iter().position(|known| *known == effort)
}

/// The inverse of what OpenAI's chat makes of a budget.
fn budget_of(effort: &Effort) -> u64 {
    match effort {
        Effort::None | Effort::Minimal => MIN_BUDGET,
        Effort::Low => LOW,
        Effort::Medium | Effort::Other(_) => MEDIUM,
        Effort::High => 2 * MEDIUM,
        Effort::XHigh | Effort::Max => u64::MAX,
    }
}

fn effort_of(budget: u64) -> Effort {
    match budget {
        0..=LOW => Effort::Low,
        BEYOND_LOW..=MEDIUM => Effort::Medium,
        _ => Effort::High,
    }
}

fn forces_tool(request: &ChatRequest) -> bool {
    match &request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Tool(_)) => true,
        Some(ToolChoice::Allowed(allowed)) => allowed.required,
        _ => false,
    }
}

/// A turn that goes on after its tools must begin with its thoughts, or else be one without.
fn lacks_thoughts(request: &ChatRequest) -> bool {
    let is_result = |role| role == Role::Tool;
    let mut turns = request.messages.iter().rev();
    let Some(last) = turns.find(|message| !is_result(message.role)) else {
        return false;
    };
    let proof = |part: &crate::conversation::Part| match &part.kind {
        PartKind::Reasoning(reasoning) => reasoning.sealed.is_some() || part.signature.is_some(),
        _ => false,
    };
    last.role == Role::Assistant
        && last.tool_calls().next().is_some()
        && !last.parts.iter().any(proof)
}

fn read_mode(kind: &str) -> Option<ReasoningMode> {
    Some(match kind {
        "enabled" => ReasoningMode::Enabled,
        "adaptive" => ReasoningMode::Adaptive,
        "between_tools" => ReasoningMode::BetweenTools,
        "disabled" => ReasoningMode::Disabled,
        _ => return None,
    })
}

const fn mode_name(mode: ReasoningMode) -> &'static str {
    match mode {
        ReasoningMode::Enabled => "enabled",
        ReasoningMode::Adaptive => "adaptive",
        ReasoningMode::BetweenTools => "between_tools",
        ReasoningMode::Disabled => "disabled",
    }
}

fn keep(rest: &mut Block, name: &str, nested: Block) {
    if !nested.is_empty() {
        rest.insert(name.to_owned(), nested.into());
    }
}

const THINKING: &str = "thinking";
const OUTPUT_CONFIG: &str = "output_config";

// What OpenAI's chat takes for the greatest budgets of a low and of a medium effort.
const LOW: u64 = 4096;
const BEYOND_LOW: u64 = LOW + 1;
const MEDIUM: u64 = 16_384;
