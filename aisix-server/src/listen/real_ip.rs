use std::net::IpAddr;
use std::net::SocketAddr;

use http::HeaderMap;
use http::HeaderName;
use ipnet::IpNet;

use crate::config;

/// Finds the address of a caller that came through proxies which we trust.
#[derive(Clone, Debug)]
pub struct RealIp {
    trusted: Vec<IpNet>,
    header: HeaderName,
}

impl RealIp {
    /// Takes the word of the configured networks; without any, a caller is who connects.
    pub fn new(config: &config::RealIp) -> Self {
        Self {
            trusted: config.trusted_proxies.clone(),
            header: config.header.clone(),
        }
    }

    /// The address of the caller behind `peer`.
    ///
    /// The header is read from the right, where the nearest proxy wrote: the first address that is
    /// no trusted proxy is the caller's, because everything left of it is only what it claims.
    pub fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut caller = peer.to_canonical();
        if self.trusted.is_empty() || !self.trusts(caller) {
            return caller;
        }
        let values = headers.get_all(&self.header).iter().rev();
        let hops = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            // What cannot be read hides what is left of it.
            let Some(address) = address(hop) else {
                break;
            };
            caller = address;
            if !self.trusts(caller) {
                break;
            }
        }
        caller
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// An address, with or without a port; an IPv6 one with or without brackets.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = text
        .parse()
        .ok()
        .or_else(|| text.parse().ok().map(|addr: SocketAddr| addr.ip()))
        .or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_without_a_trusted_proxy_is_who_connects() {
        assert_eq!(caller(&[], "9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(caller(&["10.0.0.0/8"], "9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(caller(&["10.0.0.0/8"], "::ffff:9.9.9.9", &[]), "9.9.9.9");
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_caller() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        let seen = |headers: &[&str]| caller(&trusted, "10.0.0.1", headers);
        assert_eq!(seen(&["1.1.1.1"]), "1.1.1.1");
        assert_eq!(seen(&["6.6.6.6, 1.1.1.1, 10.2.2.2"]), "1.1.1.1");
        assert_eq!(seen(&["6.6.6.6", "1.1.1.1,10.2.2.2", "fd00::1"]), "1.1.1.1");
        assert_eq!(seen(&["10.9.9.9, 10.2.2.2"]), "10.9.9.9");
        assert_eq!(seen(&["2001:db8::1"]), "2001:db8::1");
        assert_eq!(seen(&["[2001:db8::1]:443, [fd00::2]"]), "2001:db8::1");
        assert_eq!(seen(&["1.1.1.1:5555"]), "1.1.1.1");
        assert_eq!(seen(&["::ffff:10.3.3.3"]), "10.3.3.3");
    }

    #[test]
    fn an_unreadable_hop_ends_the_search() {
        let seen = |headers: &[&str]| caller(&["10.0.0.0/8"], "10.0.0.1", headers);
        assert_eq!(seen(&["1.1.1.1, unknown, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(seen(&["1.1.1.1,"]), "10.0.0.1");
        assert_eq!(seen(&[]), "10.0.0.1");
    }

    fn caller(trusted: &[&str], peer: &str, values: &[&str]) -> String {
        let real_ip = RealIp {
            trusted: trusted.iter().map(|one| one.parse().unwrap()).collect(),
            header: HeaderName::from_static("x-forwarded-for"),
        };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        real_ip.caller(peer.parse().unwrap(), &headers).to_string()
    }
}
