use serde_json::Value;

use super::{CacheHint, Extra, ToolCallKind};

/// Something that the model may call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Tool {
    /// A function whose arguments are JSON.
    Function(FunctionTool),
    /// A tool whose input is free text.
    Custom(CustomTool),
    /// A tool of the vendor's own (web search, code execution), as its wire format spells it.
    Vendor(Extra),
}

/// A function that the caller runs.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FunctionTool {
    /// The name that the model calls it by.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON Schema of its arguments; `None` means that it takes none.
    pub parameters: Option<Value>,
    /// Whether the vendor has to hold the arguments to the schema.
    pub strict: Option<bool>,
    /// Where a cached prefix may end.
    pub cache: Option<CacheHint>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// A tool whose input is free text, perhaps bound by a grammar.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CustomTool {
    /// The name that the model calls it by.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The grammar of its input, as the wire format spells it.
    pub format: Option<Value>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// Whether the model must, may or may not call a tool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// It decides.
    Auto,
    /// It must not.
    None,
    /// It must call one or more.
    Required,
    /// It must call this one.
    Tool(ToolRef),
    /// It may choose only among these.
    Allowed(AllowedTools),
    /// A choice that only the wire format it came from knows.
    Opaque(Value),
}

/// A tool, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ToolRef {
    /// Whether it takes JSON or text.
    pub kind: ToolCallKind,
    /// Its name.
    pub name: String,
}

/// The subset of the tools that the model may use in this turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllowedTools {
    /// Whether it must call one of them.
    pub required: bool,
    /// The tools.
    pub tools: Vec<ToolRef>,
}

impl Tool {
    /// The name that the model calls it by, if the caller gave one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Function(tool) => Some(&tool.name),
            Self::Custom(tool) => Some(&tool.name),
            Self::Vendor(_) => None,
        }
    }
}

impl FunctionTool {
    /// A function without arguments.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Tells the model what it does.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Describes its arguments with a JSON Schema.
    #[must_use]
    pub fn with_parameters(mut self, schema: Value) -> Self {
        self.parameters = Some(schema);
        self
    }
}

impl CustomTool {
    /// A tool that takes any text.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

impl ToolRef {
    /// A function.
    #[must_use]
    pub fn function(name: impl Into<String>) -> Self {
        Self {
            kind: ToolCallKind::Function,
            name: name.into(),
        }
    }

    /// A tool that takes text.
    #[must_use]
    pub fn custom(name: impl Into<String>) -> Self {
        Self {
            kind: ToolCallKind::Custom,
            name: name.into(),
        }
    }
}

impl AllowedTools {
    /// Any number of calls of these, or with `required` at least one.
    #[must_use]
    pub fn new(required: bool, tools: Vec<ToolRef>) -> Self {
        Self { required, tools }
    }
}

impl From<FunctionTool> for Tool {
    fn from(tool: FunctionTool) -> Self {
        Self::Function(tool)
    }
}

impl From<CustomTool> for Tool {
    fn from(tool: CustomTool) -> Self {
        Self::Custom(tool)
    }
}
