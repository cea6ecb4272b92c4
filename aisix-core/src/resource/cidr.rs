use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A range of IP addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
///
/// ```
/// use aisix_core::resource::Cidr;
///
/// let range: Cidr = "10.0.0.0/8".parse().unwrap();
/// assert!(range.contains("10.1.2.3".parse().unwrap()));
/// assert!(range.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!(!range.contains("11.0.0.1".parse().unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    // IPv4 as mapped into IPv6, so that there is one comparison for both.
    network: u128,
    prefix: u8,
}

/// The text is no [`Cidr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCidr(());

const MAPPED_PREFIX: u8 = 96;

// === impl Cidr ===

impl Cidr {
    /// Whether `address` lies in the range; an IPv4 address also as IPv6 writes it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & mask(self.prefix) == self.network
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidCidr(()))?;
        let (offset, longest) = match address {
            IpAddr::V4(_) => (MAPPED_PREFIX, 32),
            IpAddr::V6(_) => (0, 128),
        };
        let prefix = match prefix {
            None => longest,
            Some(prefix) => prefix.parse().map_err(|_| InvalidCidr(()))?,
        };
        if prefix > longest {
            return Err(InvalidCidr(()));
        }
        let prefix = offset + prefix;
        Ok(Self {
            network: bits(address) & mask(prefix),
            prefix,
        })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = Ipv6Addr::from_bits(self.network);
        match network.to_ipv4_mapped() {
            Some(v4) if self.prefix >= MAPPED_PREFIX => {
                write!(f, "{v4}/{}", self.prefix - MAPPED_PREFIX)
            }
            _ => write!(f, "{network}/{}", self.prefix),
        }
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

// === impl InvalidCidr ===

impl fmt::Display for InvalidCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an IP address or a range such as `10.0.0.0/8`")
    }
}

impl std::error::Error for InvalidCidr {}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mask(prefix: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(prefix))
        .unwrap_or_default()
}
