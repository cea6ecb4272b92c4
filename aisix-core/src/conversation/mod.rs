//! The neutral model of a chat: what every wire format says, in the words of none.
//!
//! A [`ChatRequest`] holds [`Message`]s of [`Part`]s, the tools that the model may call and the
//! options of the answer; a [`ChatResponse`] holds the answer's choices and its [`Usage`]; a
//! [`ChatEvent`] is one step of a stream, and an [`Assembler`] puts events together again. The
//! codecs in [`dialect`](crate::dialect) read and write them; hooks look at them and change them.
//!
//! ```
//! use aisix_core::conversation::{ChatRequest, Role};
//!
//! let request = ChatRequest::new("gpt-4o")
//!     .system("Be brief.")
//!     .user("Why is the sky blue?")
//!     .with_max_tokens(200);
//!
//! assert_eq!(request.messages.len(), 2);
//! assert_eq!(request.messages[1].role, Role::User);
//! assert_eq!(request.messages[1].text(), "Why is the sky blue?");
//! ```
//!
//! # What the model does not name
//!
//! A field that only one wire format has stays beside what it belongs to, in an [`Extra`] that
//! remembers its origin: the same dialect writes it back as it came; another one looks at it and
//! either maps it or refuses the request, naming the parameter. Nothing is dropped unseen.
//!
//! # Text that stays text
//!
//! The arguments of a [`ToolCall`] are the characters that the model wrote, valid JSON or not; no
//! codec of the same family parses them.

mod assemble;
mod embedding;
mod event;
mod extra;
mod format;
mod message;
mod part;
mod replay;
mod request;
mod response;
mod sampling;
mod tool;
mod usage;

pub use self::assemble::Assembler;
pub use self::embedding::{
    Embedding, EmbeddingEncoding, EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse,
};
pub use self::event::{ChatEvent, Start};
pub use self::extra::Extra;
pub use self::format::{JsonSchema, ResponseFormat};
pub use self::message::{Message, Role};
pub use self::part::{
    CacheHint, Media, Opaque, Part, PartKind, Reasoning, Source, ToolCall, ToolCallKind, ToolResult,
};
pub use self::request::ChatRequest;
pub use self::response::{ChatResponse, Choice, FinishReason, Logprobs, TokenLogprob};
pub use self::sampling::{Effort, ReasoningMode, ReasoningOptions, Sampling};
pub use self::tool::{AllowedTools, CustomTool, FunctionTool, Tool, ToolChoice, ToolRef};
pub use self::usage::Usage;
