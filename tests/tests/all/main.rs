//! Whole-system tests, in one binary so that they link once.

mod abort;
mod bad_input;
mod chat;
mod drain;
mod embeddings;
mod errors;
mod fixtures;
mod harness;
mod limits;
mod models;
mod reload;
mod sdk;
mod startup;
mod stream;
