use std::fmt::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use aisix_core::resource::Secret;
use serde_json::json;

use super::CHAT_MODEL;

/// What the embedded default prints when it is ready.
#[derive(Clone, Debug)]
#[must_use]
pub struct Notice {
    client: String,
    admin: Option<String>,
    metrics: Option<String>,
    key: Option<Secret>,
}

impl Notice {
    /// A notice of a client API at `base_url`, such as `http://127.0.0.1:3000`.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            client: base_url.into(),
            admin: None,
            metrics: None,
            key: None,
        }
    }

    /// Tells where the Admin API is.
    pub fn with_admin(mut self, base_url: impl Into<String>) -> Self {
        self.admin = Some(base_url.into());
        self
    }

    /// Tells where the metrics are, path and all.
    pub fn with_metrics(mut self, url: impl Into<String>) -> Self {
        self.metrics = Some(url.into());
        self
    }

    /// Shows the caller's key, which the first start makes.
    pub fn with_key(mut self, key: impl Into<Option<Secret>>) -> Self {
        self.key = key.into();
        self
    }

    /// The text to print, the key in it: for the standard output, not for a log.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from("AISIX is ready.\n\n");
        line(&mut text, "client API", format_args!("{}/v1", self.client));
        if let Some(admin) = &self.admin {
            line(&mut text, "Admin API", format_args!("{admin}/admin/v1"));
        }
        if let Some(metrics) = &self.metrics {
            line(&mut text, "metrics", format_args!("{metrics}"));
        }
        match &self.key {
            Some(key) => {
                line(&mut text, "caller key", format_args!("{}", key.expose()));
                text.push_str(
                    "\nThe key is shown this once: the store holds only its hash. Try it:\n\n  ",
                );
                text.push_str(&self.curl(key));
                text.push('\n');
            }
            None => text.push_str("\nThe caller key was shown at the first start.\n"),
        }
        text
    }

    /// One line for a shell. Nothing in it needs escaping between the quotes around it.
    fn curl(&self, key: &Secret) -> String {
        let insecure = if self.client.starts_with("https:") {
            "--insecure "
        } else {
            ""
        };
        let request = json!({
            "model": CHAT_MODEL,
            "messages": [{"role": "user", "content": "Hello"}],
        });
        format!(
            "curl {insecure}{}/v1/chat/completions -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d '{request}'",
            self.client,
            key.expose(),
        )
    }
}

/// The URL under which a listener on `addr` is reached from this machine.
#[must_use]
pub fn base_url(addr: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, addr.port()))
}

/// Writing to a string cannot fail.
fn line(text: &mut String, name: &str, value: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "  {name:<12}{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_everything_is_and_a_line_to_copy() {
        let notice = Notice::new("http://127.0.0.1:3000")
            .with_admin("http://127.0.0.1:3001")
            .with_metrics("http://127.0.0.1:9090/metrics")
            .with_key(Secret::new("sk-aisix-0123456789abcdef"));
        let text = notice.text();
        assert_eq!(
            text,
            "AISIX is ready.\n\
             \n  client API  http://127.0.0.1:3000/v1\
             \n  Admin API   http://127.0.0.1:3001/admin/v1\
             \n  metrics     http://127.0.0.1:9090/metrics\
             \n  caller key  sk-aisix-0123456789abcdef\n\
             \nThe key is shown this once: the store holds only its hash. Try it:\n\
             \n  curl http://127.0.0.1:3000/v1/chat/completions \
             -H 'Authorization: Bearer sk-aisix-0123456789abcdef' \
             -H 'Content-Type: application/json' \
             -d '{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n"
        );
        assert!(!format!("{notice:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn has_no_key_to_show_later() {
        let text = Notice::new("http://127.0.0.1:3000").with_key(None).text();
        assert!(text.contains("http://127.0.0.1:3000/v1"), "{text}");
        assert!(!text.contains("curl") && !text.contains("sk-"), "{text}");
    }

    #[test]
    fn turns_an_address_into_one_that_can_be_called() {
        for (addr, tls, url) in [
            ("127.0.0.1:3000", false, "http://127.0.0.1:3000"),
            ("0.0.0.0:3000", false, "http://127.0.0.1:3000"),
            ("[::]:3000", true, "https://[::1]:3000"),
            ("10.1.2.3:80", false, "http://10.1.2.3:80"),
        ] {
            assert_eq!(base_url(addr.parse().unwrap(), tls), url);
        }
    }
}
