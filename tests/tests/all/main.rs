//! Whole-system tests, in one binary so that they link once.

mod abort;
mod accounting;
mod agents;
mod bad_input;
mod chat;
mod drain;
mod embeddings;
mod errors;
mod fixtures;
mod harness;
mod limits;
mod messages;
mod models;
mod reload;
mod requests;
mod responses;
mod rounds;
mod sdk;
mod startup;
mod stream;
mod translate;
