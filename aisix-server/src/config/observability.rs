use schemars::JsonSchema;
use serde::Deserialize;

use super::ListenAddr;
use super::LogLevel;

/// `observability`: logs, metrics and traces.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Observability {
    /// Name of the service in metrics and traces.
    pub service_name: String,
    /// What goes to the log on stderr.
    pub log_level: LogLevel,
    /// One JSON line on stdout for each request.
    pub access_log: bool,
    /// Metrics.
    pub metrics: Metrics,
    /// Traces.
    pub tracing: Tracing,
}

/// `observability.metrics`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Metrics {
    /// Metrics to be scraped; without this section its port stays unbound.
    pub prometheus: Option<Prometheus>,
    /// Metrics to be pushed.
    pub otlp: OtlpMetrics,
}

/// `observability.metrics.prometheus`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Prometheus {
    /// `false` leaves the port unbound.
    pub enabled: bool,
    /// Where the scraper connects.
    pub addr: ListenAddr,
    /// The path of the metrics.
    pub path: String,
}

/// `observability.metrics.otlp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OtlpMetrics {
    /// Whether metrics are pushed.
    pub enabled: bool,
    /// The collector (HTTP).
    pub endpoint: String,
}

/// `observability.tracing`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tracing {
    /// Spans to be pushed.
    pub otlp: OtlpTraces,
}

/// `observability.tracing.otlp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OtlpTraces {
    /// Whether spans are pushed.
    pub enabled: bool,
    /// The collector (gRPC).
    pub endpoint: String,
    /// The share of the traces that are kept, 0 to 1.
    pub sample_ratio: f64,
}

impl Default for Observability {
    fn default() -> Self {
        Self {
            service_name: "aisix".to_owned(),
            log_level: LogLevel::default(),
            access_log: true,
            metrics: Metrics::default(),
            tracing: Tracing::default(),
        }
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            enabled: true,
            addr: ListenAddr::loopback(9090),
            path: "/metrics".to_owned(),
        }
    }
}

impl Default for OtlpMetrics {
    fn default() -> Self {
        Self {
            enabled: false,
            endpoint: "http://127.0.0.1:4318".to_owned(),
        }
    }
}

impl Default for OtlpTraces {
    fn default() -> Self {
        Self {
            enabled: false,
            endpoint: "http://127.0.0.1:4317".to_owned(),
            sample_ratio: 1.0,
        }
    }
}
