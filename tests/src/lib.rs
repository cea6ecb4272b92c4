//! The harness of the whole-system tests: the binary as an operator starts it, clients as callers
//! use them, and an upstream that does what the test tells it to.
//!
//! | module | plays |
//! | --- | --- |
//! | [`server`] | the operator: configuration, resources, signals, exit codes |
//! | [`binary`] | the build: which binary is under test, and which ports are free |
//! | [`resources`] | what the operator writes into the resources file |
//! | [`client`] | a well-behaved caller on hyper, and [`raw`] one that sends any bytes it likes |
//! | [`callers`] | the formats in which callers ask |
//! | [`upstream`] | the provider: records each request, plays a script, proves order with gates |
//! | [`openai`], [`anthropic`], [`gemini`] | canned words of the vendors' formats |
//! | [`vendors`] | a gateway in front of all three |
//! | [`fixtures`] | recorded traffic, from `AISIX_FIXTURES` |
//! | [`replay`] | recorded traffic as upstream, and a gateway in front of it |
//! | [`sdk`] | the official SDKs: [`python`] and [`node`] |
//! | [`said`] | what an answer says, read from each vendor's own form |
//! | [`splice`] | an independent answer to "the same bytes but for `model`" |
//!
//! Nothing here links the gateway: what these tests see is what a caller sees.

pub mod anthropic;
pub mod binary;
pub mod callers;
pub mod client;
pub mod fixtures;
pub mod gemini;
pub mod node;
pub mod openai;
pub mod python;
pub mod raw;
pub mod replay;
pub mod resources;
pub mod said;
pub mod sdk;
pub mod server;
pub mod splice;
pub mod upstream;
pub mod vendors;
pub mod wait;
