use serde::Deserialize;

/// What a line of models takes and refuses, where models of one wire format differ.
///
/// Each dialect has a table of the lines that it knows, by the beginning of their names. What a
/// model resource says here goes before the table, so that a model which is newer than this version
/// needs no new version. `None` leaves it to the table.
///
/// ```
/// use aisix_core::dialect::{Capabilities, ThinkingControl};
///
/// let table = Capabilities { sampling: Some(true), prefill: Some(true), ..Capabilities::default() };
/// let told = Capabilities { sampling: Some(false), ..Capabilities::default() };
///
/// let model = told.or(&table);
/// assert_eq!((model.sampling, model.prefill), (Some(false), Some(true)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[allow(
    clippy::exhaustive_structs,
    reason = "written out in tables, also by dialects of other crates, with `..Default::default()`"
)]
pub struct Capabilities {
    /// The most tokens that an answer may have; asked for where the wire format requires a bound
    /// and the caller gave none.
    pub max_output_tokens: Option<u64>,
    /// Whether `temperature`, `top_p` and `top_k` are taken.
    pub sampling: Option<bool>,
    /// Whether presence and frequency penalties are taken.
    pub penalties: Option<bool>,
    /// Whether a conversation may end with a turn of the assistant, which the answer goes on with.
    pub prefill: Option<bool>,
    /// Whether the model can be made to call a tool.
    pub forced_tools: Option<bool>,
    /// Whether the answer can be held to a JSON Schema.
    pub json_schema: Option<bool>,
    /// Whether the system may speak in the middle of a conversation.
    pub system_turns: Option<bool>,
    /// Whether calls of tools have ids on the wire.
    pub tool_call_ids: Option<bool>,
    /// How thinking is asked for.
    pub thinking: Option<ThinkingControl>,
    /// Whether thinking can be turned off.
    pub thinking_off: Option<bool>,
    /// The fewest and the most tokens that a budget for thinking may have.
    pub thinking_budget: Option<(u64, u64)>,
    /// The efforts that are taken, from the least to the most, in the vendor's words.
    pub efforts: Option<Vec<String>>,
}

/// How a model is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThinkingControl {
    /// Not at all: the model does not think.
    None,
    /// By a number of tokens.
    Budget,
    /// By a level, or an effort.
    Level,
    /// The model decides; an effort may guide it.
    Adaptive,
    /// It thinks between calls of tools, or as it decides.
    BetweenTools,
}

/// The model that a request is written for.
///
/// ```
/// use aisix_core::dialect::TargetModel;
///
/// assert_eq!(TargetModel::new("gpt-4o").name(), "gpt-4o");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TargetModel<'a> {
    name: &'a str,
    told: Option<&'a Capabilities>,
}

// === impl Capabilities ===

impl Capabilities {
    /// These, and where they say nothing, those of `table`.
    #[must_use]
    pub fn or(&self, table: &Self) -> Self {
        Self {
            max_output_tokens: self.max_output_tokens.or(table.max_output_tokens),
            sampling: self.sampling.or(table.sampling),
            penalties: self.penalties.or(table.penalties),
            prefill: self.prefill.or(table.prefill),
            forced_tools: self.forced_tools.or(table.forced_tools),
            json_schema: self.json_schema.or(table.json_schema),
            system_turns: self.system_turns.or(table.system_turns),
            tool_call_ids: self.tool_call_ids.or(table.tool_call_ids),
            thinking: self.thinking.or(table.thinking),
            thinking_off: self.thinking_off.or(table.thinking_off),
            thinking_budget: self.thinking_budget.or(table.thinking_budget),
            efforts: self.efforts.clone().or_else(|| table.efforts.clone()),
        }
    }
}

// === impl TargetModel ===

impl<'a> TargetModel<'a> {
    /// The model that its vendor calls `name`.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self { name, told: None }
    }

    /// Says what the operator knows of it.
    #[must_use]
    pub const fn with_capabilities(mut self, told: Option<&'a Capabilities>) -> Self {
        self.told = told;
        self
    }

    /// The vendor's name of it.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// What the operator says of it, and else the `table`.
    #[must_use]
    pub fn capabilities(&self, table: &Capabilities) -> Capabilities {
        match self.told {
            Some(told) => told.or(table),
            None => table.clone(),
        }
    }
}
