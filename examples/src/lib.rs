//! Runnable compositions of AISIX, one file each in `src/bin`; all of them work without an account.
//!
//! | example | shows |
//! |---|---|
//! | `nest_in_axum` | the gateway in an axum application, in three ways |
//! | `plain_hyper` | the gateway on hyper alone |
//! | `hook_fn` | hooks as closures: block a word, add a header, time each call |
//! | `custom_hook` | a hook as a `tower::Layer`, without allocation |
//! | `custom_provider` | a vendor with an address and a header of its own |
//! | `local_model` | a model in this process, whole and streamed |
//! | `custom_config_source` | resources from a place of one's own, asked or told |
//! | `typed_call` | calls without HTTP, whole and streamed |
//! | `tower_http_around` | CORS, a timeout and a header around the gateway |
//! | `two_gateways` | two gateways side by side in one process |
//!
//! The tests of this package run every one of them, and compile the pages of `docs/guide`.

/// The README of the repository and the pages of the guide, whose code is compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/guide/getting-started.md")]
    struct GettingStarted;

    #[doc = include_str!("../../docs/guide/embedding.md")]
    struct Embedding;

    #[doc = include_str!("../../docs/guide/writing-a-hook.md")]
    struct WritingAHook;

    #[doc = include_str!("../../docs/guide/testing-your-hooks.md")]
    struct TestingYourHooks;

    #[doc = include_str!("../../docs/guide/adding-a-provider.md")]
    struct AddingAProvider;

    #[doc = include_str!("../../docs/guide/configuration.md")]
    struct Configuration;

    #[doc = include_str!("../../docs/guide/dialects.md")]
    struct Dialects;

    #[doc = include_str!("../../docs/guide/streaming-and-usage.md")]
    struct StreamingAndUsage;
}
