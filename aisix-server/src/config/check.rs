//! What only shows when the sections of a document are seen together.

use std::net::SocketAddr;

use super::Backend;
use super::Document;
use super::Problem;

/// Reports contradictions, and functions that the document asks for and nobody has built.
pub(super) fn document(document: &Document, problems: &mut Vec<Problem>) {
    one_source(document, problems);
    ranges(document, problems);
    listeners(document, problems);
    not_built(document, problems);
}

fn one_source(document: &Document, problems: &mut Vec<Problem>) {
    let sources = [
        ("etcd", document.etcd.is_some()),
        ("resources_file", document.resources_file.is_some()),
        ("store", document.store.is_some()),
    ];
    let set: Vec<&str> = sources
        .iter()
        .filter_map(|(name, set)| set.then_some(*name))
        .collect();
    // A section that did not fit has been reported already, and is why it is missing here.
    let reported = |path: &str| sources.iter().any(|(name, _)| path.starts_with(name));
    match set.as_slice() {
        [_] => {}
        [] if problems.iter().any(|problem| reported(problem.path())) => {}
        [] => problems.push(Problem::whole(
            "exactly one of `etcd`, `resources_file`, `store` is needed, none is set",
        )),
        [_, more @ ..] => problems.push(Problem::at(
            more.join(", "),
            format!(
                "exactly one of `etcd`, `resources_file`, `store` is allowed, but `{}` are set",
                set.join("`, `")
            ),
        )),
    }
}

fn ranges(document: &Document, problems: &mut Vec<Problem>) {
    let upstream = &document.upstream;
    let ratio = document.observability.tracing.otlp.sample_ratio;
    let prometheus = document.observability.metrics.prometheus.as_ref();
    let checks = [
        (
            "proxy.request_body_limit_bytes",
            document.proxy.request_body_limit > 0,
            "must be at least 1",
        ),
        (
            "upstream.connect_timeout_ms",
            !upstream.connect_timeout.is_zero(),
            "must be at least 1",
        ),
        (
            "observability.tracing.otlp.sample_ratio",
            (0.0..=1.0).contains(&ratio),
            "must be between 0 and 1",
        ),
        (
            "observability.metrics.prometheus.path",
            prometheus.is_none_or(|prometheus| prometheus.path.starts_with('/')),
            "must begin with `/`",
        ),
        (
            "proxy.real_ip.header",
            document.proxy.real_ip.header != http::header::FORWARDED,
            "must hold plain addresses, as `x-forwarded-for` does; `forwarded` is not understood",
        ),
    ];
    let failed = checks.into_iter().filter(|(_, holds, _)| !holds);
    problems.extend(failed.map(|(path, _, reason)| Problem::at(path, reason)));
}

fn listeners(document: &Document, problems: &mut Vec<Problem>) {
    let admin = document.admin.as_ref().filter(|admin| admin.enabled);
    let prometheus = document.observability.metrics.prometheus.as_ref();
    let prometheus = prometheus.filter(|prometheus| prometheus.enabled);
    let listeners: Vec<(&str, SocketAddr)> = [
        Some(("proxy.addr", document.proxy.addr)),
        admin.map(|admin| ("admin.addr", admin.addr)),
        prometheus.map(|one| ("observability.metrics.prometheus.addr", one.addr)),
    ]
    .into_iter()
    .flatten()
    .map(|(path, addr)| (path, addr.get()))
    .collect();
    for (index, (path, addr)) in listeners.iter().enumerate() {
        let same = |(_, other): &&(&str, SocketAddr)| other == addr && addr.port() != 0;
        if let Some((other, _)) = listeners[..index].iter().find(same) {
            problems.push(Problem::at(*path, format!("{addr} is `{other}` too")));
        }
    }
}

fn not_built(document: &Document, problems: &mut Vec<Problem>) {
    let metrics = &document.observability.metrics;
    let enabled = [
        (
            "etcd",
            document.etcd.is_some(),
            "; use `resources_file` or `store`",
        ),
        (
            "admin",
            document.admin.as_ref().is_some_and(|admin| admin.enabled),
            "; set `admin.enabled: false`",
        ),
        (
            "observability.metrics.prometheus",
            metrics.prometheus.as_ref().is_some_and(|one| one.enabled),
            "; set `enabled: false`",
        ),
        ("observability.metrics.otlp", metrics.otlp.enabled, ""),
        (
            "observability.tracing.otlp",
            document.observability.tracing.otlp.enabled,
            "",
        ),
        (
            "cache.backend",
            document.cache.backend == Backend::Redis,
            "; `memory` is",
        ),
        (
            "ratelimit.backend",
            document.ratelimit.backend == Backend::Redis,
            "; `memory` is",
        ),
    ];
    for (path, _, advice) in enabled.into_iter().filter(|(_, enabled, _)| *enabled) {
        let what = match path {
            "cache.backend" | "ratelimit.backend" => "`redis`".to_owned(),
            section => format!("`{section}`"),
        };
        problems.push(Problem::at(
            path,
            format!("{what} is not built yet{advice}"),
        ));
    }
}
