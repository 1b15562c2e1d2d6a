//! Which web pages may open a WebSocket.
//!
//! A browser lets any page connect anywhere, loopback included, and only says where the page came
//! from. So pages of this machine are taken, and those that the owner named; programs send no
//! origin.

use std::net::IpAddr;

/// Origins that are taken besides those of this machine, such as `https://site.example`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Box<[Box<str>]>);

impl Origins {
    pub fn new<S: Into<Box<str>>>(named: impl IntoIterator<Item = S>) -> Self {
        Self(named.into_iter().map(Into::into).collect())
    }

    pub(crate) fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|named| named.eq_ignore_ascii_case(origin)) || is_of_this_machine(origin)
    }
}

fn is_of_this_machine(origin: &str) -> bool {
    let Some(("http" | "https", place)) = origin.split_once("://") else { return false };
    if let Some(inner) = place.strip_prefix('[') {
        let address = inner.split_once(']').map(|(address, _port)| address.parse());
        return matches!(address, Some(Ok(IpAddr::V6(address))) if address.is_loopback());
    }
    let host = place.split_once(':').map_or(place, |(host, _port)| host);
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_taken_and_others_by_name_only() {
        let none = Origins::default();
        for own in [
            "http://localhost",
            "http://LOCALHOST:8080",
            "https://127.0.0.1:8080",
            "http://127.1.2.3",
            "http://[::1]:8080",
        ] {
            assert!(none.allow(own), "{own}");
        }
        for foreign in [
            "https://site.example",
            "http://localhost.site.example",
            "http://127.0.0.1.site.example:80",
            "http://[::2]",
            "http://[::1.site.example",
            "file://localhost",
            "null",
            "",
        ] {
            assert!(!none.allow(foreign), "{foreign}");
        }
        let named = Origins::new(["https://site.example"]);
        assert!(named.allow("https://Site.example") && !named.allow("http://site.example"));
    }
}
