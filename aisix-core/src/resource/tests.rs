use std::time::{Duration, SystemTime};

use http::HeaderName;
use serde_json::json;

use super::*;

fn invalid<T: Resource + std::fmt::Debug>(value: &serde_json::Value) -> (String, String) {
    let error = read::<T>(value).unwrap_err();
    (error.pointer().to_owned(), error.reason().to_owned())
}

#[test]
fn reads_a_model_with_every_field() {
    let read = read::<Model>(&json!({
        "display_name": "gpt-4o", "provider": "openai", "model_name": "gpt-4o-2024",
        "provider_key_id": "pk", "timeout": 30000, "stream_timeout": 5000, "retries": 3,
        "rate_limit": {"rpm": 10, "tpm": 1000, "concurrency": 2},
        "cost": {"input_per_1k": 0.0025, "output_per_1k": 0.01},
        "cooldown": {"default_seconds": 5}, "allowed_cidrs": ["10.0.0.0/8", "::1"],
    }))
    .unwrap();
    assert!(read.unknown.is_empty());
    let model = read.resource;
    assert_eq!(model.timeout, Some(30000));
    assert_eq!(model.rate_limit.unwrap().tpm, Some(1000));
    assert_eq!(model.cooldown.unwrap().max_seconds, 600);
    assert_eq!(model.allowed_cidrs[0].to_string(), "10.0.0.0/8");
}

#[test]
fn says_where_a_type_is_wrong() {
    let (pointer, reason) = invalid::<Model>(&json!({
        "display_name": "a", "routing": {"targets": [{"model": "b"}, {"model": "c", "weight": "x"}]},
    }));
    assert_eq!(pointer, "/routing/targets/1/weight");
    assert_eq!(
        reason,
        "expected a whole number that is not negative, found a string"
    );

    let (pointer, reason) = invalid::<Model>(&json!({"provider": "openai"}));
    assert_eq!(
        (pointer.as_str(), reason.as_str()),
        ("", "missing field `display_name`")
    );

    let (pointer, reason) = invalid::<ApiKey>(&json!([1]));
    assert_eq!(
        (pointer.as_str(), reason.as_str()),
        ("", "expected an object, found a list")
    );
}

#[test]
fn never_repeats_a_text_of_the_document_in_a_reason() {
    for value in [
        json!({"display_name": "a", "request": "sk-hidden"}),
        json!({"display_name": "a", "tls": {"verify": "sk-hidden"}}),
        json!({"display_name": "a", "api_base": "sk-hidden"}),
        json!({"display_name": "a", "request": {"default_headers": {"x-a": "sk-hidden\n"}}}),
    ] {
        let error = read::<ProviderKey>(&value).unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}

#[test]
fn lists_unknown_fields_and_tolerates_them() {
    let read = read::<Model>(&json!({
        "display_name": "a",
        "routing": {"targets": [{"model": "b", "wieght": 1}]},
        "x/y": 1,
    }))
    .unwrap();
    assert_eq!(read.unknown, ["/routing/targets/0/wieght", "/x~1y"]);
}

#[test]
fn a_model_is_either_direct_or_routing() {
    assert_eq!(invalid::<Model>(&json!({"display_name": "a"})).0, "");
    let both =
        json!({"display_name": "a", "provider": "x", "routing": {"targets": [{"model": "b"}]}});
    assert_eq!(invalid::<Model>(&both).0, "/routing");
    let itself = json!({"display_name": "a", "routing": {"targets": [{"model": "a"}]}});
    assert_eq!(invalid::<Model>(&itself).0, "/routing/targets/0/model");
    let none = json!({"display_name": "a", "routing": {"targets": []}});
    assert_eq!(invalid::<Model>(&none).0, "/routing/targets");
    let wildcard = json!({"display_name": "a*", "provider": "x"});
    assert_eq!(invalid::<Model>(&wildcard).0, "/display_name");
    let unnamed = json!({"display_name": "a", "provider": "x"});
    assert_eq!(invalid::<Model>(&unnamed).1, "missing field `model_name`");
}

#[test]
fn an_empty_text_counts_as_absent() {
    let key = read::<ProviderKey>(&json!({"display_name": "a", "api_base": "", "secret": ""}));
    let key = key.unwrap().resource;
    assert_eq!((key.api_base, key.api_key), (None, None));
    assert_eq!(
        invalid::<ProviderKey>(&json!({"display_name": ""})).0,
        "/display_name"
    );
}

#[test]
fn reads_the_alias_of_a_secret_and_prints_none() {
    let key = read::<ProviderKey>(&json!({
        "display_name": "a", "secret": "sk-hidden-hidden-hidden",
        "request": {"default_headers": {"x-token": "sk-hidden"}},
    }))
    .unwrap()
    .resource;
    assert_eq!(
        key.api_key.as_ref().unwrap().expose(),
        "sk-hidden-hidden-hidden"
    );
    assert!(!format!("{key:?}").contains("hidden"));
    let row = Row::new(
        Kind::ProviderKeys,
        Id::new("a").unwrap(),
        json!({"secret": "sk-hidden"}),
    );
    assert!(!format!("{row:?}").contains("hidden"));
}

#[test]
fn masks_a_secret_but_not_a_reference() {
    assert_eq!(Secret::new("short").masked(), "…");
    assert_eq!(Secret::new("sk-0123456789abcwxyz").masked(), "sk-…wxyz");
    assert_eq!(Secret::new("${OPENAI_KEY}").masked(), "${OPENAI_KEY}");
    assert_eq!(Secret::new("${not a name, a key}").masked(), "${n…key}");
}

#[test]
fn reads_an_expiry_with_any_offset() {
    let hash = KeyHash::of("k").to_string();
    let key = |expiry: &str| {
        read::<ApiKey>(&json!({"key_hash": hash, "allowed_models": [], "expires_at": expiry}))
    };
    let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
    for expiry in [
        "2030-01-01T00:00:00Z",
        "2030-01-01T02:00:00+02:00",
        "2030-01-01T00:00:00.000Z",
    ] {
        assert_eq!(
            key(expiry).unwrap().resource.expires_at,
            Some(expected),
            "{expiry}"
        );
    }
    for expiry in ["", "tomorrow", "2030-01-01", "2030-13-01T00:00:00Z"] {
        assert_eq!(
            key(expiry).unwrap_err().pointer(),
            "/expires_at",
            "{expiry}"
        );
    }
}

#[test]
fn a_key_allows_exact_names_and_wildcards() {
    let key = |models: &[&str]| ApiKey::new(KeyHash::of("k"), models.iter().copied());
    assert!(!key(&[]).allows("a"));
    assert!(key(&["*"]).allows("a"));
    assert!(key(&["v/*"]).allows("v/a/b"));
    assert!(key(&["v/*"]).allows("v/*"));
    assert!(!key(&["v/*"]).allows("v"));
    assert!(!key(&["v/*"]).allows("va"));
    assert!(!key(&["a"]).allows("A"));
}

#[test]
fn hashes_as_sha256_and_refuses_what_is_none() {
    let hash = KeyHash::of("abc");
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash.to_string(), hex);
    assert_eq!(hex.to_uppercase().parse(), Ok(hash));
    assert!("ba78".parse::<KeyHash>().is_err());
    assert!("é".repeat(32).parse::<KeyHash>().is_err());
    assert!(!format!("{hash:?}").contains(hex));
}

#[test]
fn hands_on_headers_by_glob_but_never_credentials() {
    let options: RequestOptions = serde_json::from_value(json!({
        "forward_client_headers": ["X-Acme-*", "*-trace", "authorization", "x-forwarded-*"],
    }))
    .unwrap();
    let forwards = |name| options.forwards(&HeaderName::from_static(name));
    assert!(forwards("x-acme-tenant") && forwards("my-trace") && forwards("x-acme-"));
    assert!(!forwards("x-acme") && !forwards("trace"));

    let all: RequestOptions =
        serde_json::from_value(json!({"forward_client_headers": ["*"]})).unwrap();
    for name in [
        "authorization",
        "x-api-key",
        "api-key",
        "cookie",
        "proxy-authorization",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "host",
        "content-length",
        "connection",
        "te",
        "transfer-encoding",
        "upgrade",
        "keep-alive",
        "x-aisix-request-id",
        "accept-encoding",
    ] {
        assert!(!all.forwards(&HeaderName::from_static(name)), "{name}");
        assert!(!options.forwards(&HeaderName::from_static(name)), "{name}");
    }
}

#[test]
fn refuses_headers_that_break_the_framing() {
    for headers in [
        json!({"a b": "c"}),
        json!({"Content-Length": "1"}),
        json!({"x": "a\r\nb"}),
    ] {
        let value = json!({"display_name": "a", "request": {"default_headers": headers}});
        assert_eq!(invalid::<ProviderKey>(&value).0, "/request/default_headers");
    }
}

#[test]
fn knows_addresses_of_both_families() {
    let contains = |range: &str, address: &str| {
        range
            .parse::<Cidr>()
            .unwrap()
            .contains(address.parse().unwrap())
    };
    assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "2001:db8::1"));
    assert!(contains("::/0", "8.8.8.8") && contains("2001:db8::/32", "2001:db8::1"));
    assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
    for wrong in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "::/129",
        "10.0.0/8",
    ] {
        assert!(wrong.parse::<Cidr>().is_err(), "{wrong}");
    }
}

#[test]
fn expands_references_and_keeps_what_is_none() {
    let environment = Environment::new(|name| Some(format!("<{name}>")));
    for (text, expanded) in [
        ("plain", "plain"),
        ("${A}-${B_2}", "<A>-<B_2>"),
        ("$${A} $$${A} ${}", "${A} $${A} ${}"),
        ("${a-b} ${ ${A}", "${a-b} ${ <A>"),
        ("é${A}é", "é<A>é"),
    ] {
        assert_eq!(environment.expand(text).unwrap(), expanded);
    }
    assert_eq!(
        Environment::default().expand("${A}").unwrap_err().name(),
        "A"
    );
}

#[test]
fn reads_guardrails_and_cache_policies() {
    let guardrail = read::<Guardrail>(&json!({
        "name": "no secrets", "kind": "pii", "detectors": [{"type": "jwt", "action": "block"}],
        "custom_patterns": [{"name": "ticket", "regex": "T-[0-9]+"}], "hook_point": "input",
    }))
    .unwrap()
    .resource;
    assert!(guardrail.enabled && guardrail.hook_point == HookPoint::Input);
    assert_eq!(guardrail.detectors[0].action, Some(PiiAction::Block));
    let error = invalid::<Guardrail>(&json!({"name": "a", "kind": "magic"}));
    assert_eq!(error.0, "/kind");
    assert!(error.1.contains("`keyword`"), "{}", error.1);

    let policy = read::<CachePolicy>(&json!({"name": "a", "applies_to": "model:gpt-4o"}));
    let policy = policy.unwrap().resource;
    assert_eq!(policy.applies_to, AppliesTo::Model("gpt-4o".into()));
    assert_eq!(
        (policy.ttl_seconds, policy.scope),
        (3600, CacheScope::ApiKey)
    );
}

#[test]
fn kinds_have_the_names_of_their_collections() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(json!(kind), json!(kind.as_str()));
    }
    assert!(
        "model"
            .parse::<Kind>()
            .unwrap_err()
            .to_string()
            .contains("`models`")
    );
}

#[cfg(feature = "schema")]
#[test]
fn every_kind_has_a_schema_of_its_fields() {
    for kind in Kind::ALL {
        let schema = schema(kind);
        assert_eq!(schema["type"], "object", "{kind}");
        assert!(
            schema["properties"][kind.name_field()].is_object(),
            "{kind}"
        );
        assert!(!schema.to_string().contains("$ref"), "{kind}");
    }
    assert_eq!(
        schema(Kind::ApiKeys)["required"],
        json!(["key_hash", "allowed_models"])
    );
    let options = &schema(Kind::ProviderKeys)["properties"]["request"]["properties"];
    assert!(
        options["default_headers"].is_object() && options["forward_client_headers"].is_object()
    );
}
