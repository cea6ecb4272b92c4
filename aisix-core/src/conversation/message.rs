use std::borrow::Cow;

use super::{Extra, Part, PartKind, ToolCall};

/// What one side said in one turn.
///
/// ```
/// use aisix_core::conversation::{Message, Part};
///
/// let message = Message::user("What is this?").with_part(Part::image_url("https://example.com/a.png"));
/// assert_eq!(message.parts.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said, in order. None at all is a turn without content; one empty text is a turn
    /// whose content is the empty text.
    pub parts: Vec<Part>,
    /// The name of the participant, where several share a role.
    pub name: Option<String>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The operator of the conversation.
    System,
    /// The developer, where a model tells them from the system.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Tools that answer.
    Tool,
}

impl Message {
    /// A turn of `role`.
    #[must_use]
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            name: None,
            extra: Extra::default(),
        }
    }

    /// The system says `text`.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, vec![Part::text(text)])
    }

    /// The developer says `text`.
    #[must_use]
    pub fn developer(text: impl Into<String>) -> Self {
        Self::new(Role::Developer, vec![Part::text(text)])
    }

    /// The person says `text`.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![Part::text(text)])
    }

    /// The model says `text`.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, vec![Part::text(text)])
    }

    /// A tool answers the call `call_id` with `text`.
    #[must_use]
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Role::Tool, vec![Part::tool_result(call_id, text)])
    }

    /// Adds a piece.
    #[must_use]
    pub fn with_part(mut self, part: impl Into<Part>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// Names the participant.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The texts of the turn, joined; borrowed when there is only one.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        join(self.parts.iter().filter_map(Part::as_text))
    }

    /// The thoughts of the turn, joined.
    #[must_use]
    pub fn reasoning(&self) -> Cow<'_, str> {
        join(
            self.parts
                .iter()
                .filter_map(Part::as_reasoning)
                .map(|reasoning| reasoning.text.as_str()),
        )
    }

    /// The reason for not answering, if there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match &part.kind {
            PartKind::Refusal(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The calls of tools, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::as_tool_call)
    }
}

impl Role {
    /// The role in the words that most wire formats share.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

fn join<'a>(mut texts: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let Some(first) = texts.next() else {
        return Cow::Borrowed("");
    };
    texts.fold(Cow::Borrowed(first), |mut joined, text| {
        joined.to_mut().push_str(text);
        joined
    })
}
