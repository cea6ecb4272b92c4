//! A conversation of another format, fitted to the model.

use serde_json::{Map, Value, json};

use super::super::thinking::{Plan, wished};
use super::super::wire::{Block, block};
use super::super::words::{Words, said_elsewhere};
use super::read::STANDARD_ONLY;
use super::schema::enforceable;
use super::tools::{write_tool_choice, write_tools};
use super::turns::Turns;
use crate::conversation::{ChatRequest, JsonSchema, ResponseFormat};
use crate::dialect::{Capabilities, OPENAI_RESPONSES};
use crate::error::{Error, Result};

pub(super) fn write_body(
    request: &ChatRequest,
    name: &str,
    model: &Capabilities,
    words: &mut Words,
) -> Result<Block> {
    refuse(request)?;
    let asked = Asked::new(request)?;
    let max_tokens = request
        .max_tokens
        .or(model.max_output_tokens)
        .unwrap_or(DEFAULT_MAX_TOKENS);
    let plan = Plan::new(request, asked.thinking.as_ref(), model, max_tokens)?;
    let mut turns = Turns::new(request, model, words)?;
    let format = write_format(request, model)?;
    if let Some(Format::Told(instruction)) = &format {
        let mut told = block("text");
        told.insert("text".to_owned(), (*instruction).into());
        turns.system.push(told);
    }
    let mut tools = write_tools(request, model, words)?;
    tools.extend(asked.web_search);
    turns.trim_marks(&mut tools, asked.cache_control.is_some());
    let tool_choice = write_tool_choice(request, &tools, model, words)?;

    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("model", Some(name.into()));
    put("max_tokens", Some(max_tokens.into()));
    put("system", turns.system());
    put("messages", Some(turns.into_messages()));
    put("tools", (!tools.is_empty()).then_some(tools.into()));
    put("tool_choice", tool_choice);
    put("stream", request.stream.then_some(true.into()));
    put("stop_sequences", write_stop(request));
    for (name, value) in write_sampling(request, model, plan.is_budget)? {
        put(name, Some(value));
    }
    put("output_config", write_output_config(plan.effort, format));
    put("thinking", plan.thinking);
    put("cache_control", asked.cache_control);
    put("metadata", asked.user.map(|user| json!({"user_id": user})));
    put("service_tier", write_tier(request).map(Value::from));
    Ok(body)
}

/// What the neutral model names and this format cannot say.
fn refuse(request: &ChatRequest) -> Result<()> {
    let is_set = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    let impossible = [
        ("n", request.n.is_some_and(|n| n > 1)),
        ("logprobs", request.logprobs == Some(true)),
        (
            "top_logprobs",
            request.top_logprobs.is_some_and(|top| top > 0),
        ),
        (
            "presence_penalty",
            is_set(request.sampling.presence_penalty),
        ),
        (
            "frequency_penalty",
            is_set(request.sampling.frequency_penalty),
        ),
    ];
    match impossible.iter().find(|(_, is_asked)| *is_asked) {
        Some((name, _)) => Err(unsayable(name)),
        None => Ok(()),
    }
}

/// What the fields of another format ask for, as far as this one can say it.
#[derive(Debug, Default)]
struct Asked<'a> {
    user: Option<&'a str>,
    web_search: Option<Value>,
    thinking: Option<crate::conversation::ReasoningOptions>,
    cache_control: Option<Value>,
}

impl<'a> Asked<'a> {
    fn new(request: &'a ChatRequest) -> Result<Self> {
        let mut asked = Self {
            user: request.user.as_deref(),
            ..Self::default()
        };
        let is_response = request.extra.origin() == Some(OPENAI_RESPONSES.as_str());
        for (name, value) in said_elsewhere(&request.extra) {
            match name {
                "safety_identifier" => asked.user = value.as_str().or(asked.user),
                "web_search_options" => asked.web_search = Some(web_search(value)),
                "thinking" => asked.thinking = wished(value),
                "cache_control" => asked.cache_control = Some(value.clone()),
                "modalities" if *value == json!(["text"]) => {}
                "reasoning" if is_hint(value) => {}
                // Who asks for a response to be kept wants to go on from it.
                "store" if is_response && *value == json!(true) => return Err(unsayable(name)),
                _ if WITHOUT_EFFECT.contains(&name) => {}
                _ => return Err(unsayable(name)),
            }
        }
        // Anthropic refuses what names a person.
        asked.user = asked.user.filter(|user| !is_address(user));
        Ok(asked)
    }
}

/// Which earlier thoughts the vendor looks at, and an old name of their summary.
fn is_hint(reasoning: &Value) -> bool {
    let is_known = |name: &str| matches!(name, "context" | "generate_summary");
    reasoning
        .as_object()
        .is_some_and(|reasoning| reasoning.keys().all(|name| is_known(name)))
}

/// Whether this is a mail address or the number of a telephone.
fn is_address(user: &str) -> bool {
    user.contains('@')
        || user.len() >= 7
            && user.starts_with('+')
            && user[1..]
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b" -()".contains(&byte))
}

fn web_search(options: &Value) -> Value {
    let uses = match options.get("search_context_size").and_then(Value::as_str) {
        Some("low") => 1,
        Some("high") => 10,
        _ => 5,
    };
    let mut tool = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": uses});
    if let Some(Value::Object(place)) = options.pointer("/user_location/approximate") {
        let mut place = place.clone();
        place.retain(|_, value| !value.is_null());
        place.insert("type".to_owned(), "approximate".into());
        tool["user_location"] = place.into();
    }
    tool
}

/// A text of white space would never end an answer, and is refused.
fn write_stop(request: &ChatRequest) -> Option<Value> {
    let texts = request.stop.iter().filter(|text| !text.trim().is_empty());
    let texts: Vec<_> = texts.map(String::as_str).collect();
    (!texts.is_empty()).then(|| texts.into())
}

/// A budget for thinking rules out what would steer the thoughts; a temperature rules out `top_p`.
fn write_sampling(
    request: &ChatRequest,
    model: &Capabilities,
    thinks_by_budget: bool,
) -> Result<Vec<(&'static str, Value)>> {
    let sampling = &request.sampling;
    // 1 is what every model does by itself.
    let differs = |value: Option<f64>| value.is_some_and(|value| value != 1.0);
    if model.sampling == Some(false) {
        let refused = [
            ("temperature", differs(sampling.temperature)),
            ("top_p", differs(sampling.top_p)),
            ("top_k", sampling.top_k.is_some()),
        ];
        return match refused.iter().find(|(_, is_asked)| *is_asked) {
            Some((name, _)) => Err(Error::unsupported(
                *name,
                format!("The model chooses its tokens by itself: it takes no `{name}`."),
            )),
            None => Ok(Vec::new()),
        };
    }
    let mut out = Vec::new();
    if thinks_by_budget {
        return Ok(out);
    }
    match (
        sampling.temperature,
        sampling.top_p.filter(|_| differs(sampling.top_p)),
    ) {
        (Some(temperature), None) => out.push(("temperature", temperature.clamp(0.0, 1.0).into())),
        (Some(temperature), Some(_)) if temperature != 1.0 => {
            out.push(("temperature", temperature.clamp(0.0, 1.0).into()));
        }
        (_, Some(top_p)) => out.push(("top_p", top_p.into())),
        (None, None) => {}
    }
    if let Some(top_k) = sampling.top_k {
        out.push(("top_k", top_k.into()));
    }
    Ok(out)
}

/// How the form of the answer is said.
#[derive(Debug)]
enum Format {
    Schema(Value),
    Told(&'static str),
}

fn write_format(request: &ChatRequest, model: &Capabilities) -> Result<Option<Format>> {
    match &request.format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(
            ResponseFormat::JsonObject
            | ResponseFormat::JsonSchema(JsonSchema { schema: None, .. }),
        ) => Ok(Some(Format::Told(ANY_JSON))),
        Some(ResponseFormat::JsonSchema(JsonSchema {
            schema: Some(schema),
            ..
        })) if model.json_schema != Some(false) => {
            let schema = enforceable(schema);
            let format = json!({"type": "json_schema", "schema": schema});
            Ok(Some(Format::Schema(format)))
        }
        Some(ResponseFormat::JsonSchema(_)) => Err(Error::unsupported(
            "response_format",
            "The model cannot be held to a JSON Schema.",
        )),
        Some(ResponseFormat::Opaque(_)) => Err(unsayable("response_format")),
    }
}

fn write_output_config(effort: Option<String>, format: Option<Format>) -> Option<Value> {
    let mut config = Map::new();
    if let Some(effort) = effort {
        config.insert("effort".to_owned(), effort.into());
    }
    if let Some(Format::Schema(format)) = format {
        config.insert("format".to_owned(), format);
    }
    (!config.is_empty()).then_some(config.into())
}

/// Other tiers, such as `flex`, are offers of other vendors: the answer is the same without.
fn write_tier(request: &ChatRequest) -> Option<&'static str> {
    match request.service_tier.as_deref()? {
        "auto" => Some("auto"),
        "default" | STANDARD_ONLY => Some(STANDARD_ONLY),
        _ => None,
    }
}

fn unsayable(name: &str) -> Error {
    let message = format!("The target's format has no way to say `{name}`.");
    Error::unsupported(name.to_owned(), message)
}

/// Asked for where neither the caller nor the table says how long an answer may be.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// There is no mode for JSON without a schema.
const ANY_JSON: &str = "Answer with one JSON object, and nothing else.";

/// Fields of other formats without which the answer is the same: where it is kept, how its prefix is
/// cached, whether its usage is told (it always is), which details of tools that are refused anyway
/// are shown, what may be left out of a conversation that grows too long.
const WITHOUT_EFFECT: &[&str] = &[
    "client_metadata",
    "context_management",
    "include",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "store",
    "stream_options",
    "truncation",
];
