//! AWS Signature Version 4 in headers: what proves who asks, and that nothing was changed on the
//! way. Pure: the time comes in.

use std::fmt::Write as _;

use ring::{digest, hmac};

use crate::keys::Keys;

const SERVICE: &str = "s3";

/// A request as it is signed.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) host: &'a str,
    /// With a `/` in front, encoded.
    pub(crate) path: &'a str,
    /// Further headers, in lower case.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'a [u8],
}

/// Seconds since 1970 as `20261130T091500Z`.
pub(crate) fn stamp(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// All headers but `host`, the signature among them.
pub(crate) fn sign(
    request: &Request<'_>,
    (keys, region): (&Keys, &str),
    stamp: &str,
) -> Vec<(&'static str, String)> {
    let body = hex(digest::digest(&digest::SHA256, request.body).as_ref());
    let mut headers = request.headers.clone();
    headers.push(("x-amz-content-sha256", body.clone()));
    headers.push(("x-amz-date", stamp.to_owned()));
    headers.extend(keys.token.clone().map(|token| ("x-amz-security-token", token)));
    let mut signed = headers.clone();
    signed.push(("host", request.host.to_owned()));
    signed.sort_unstable();
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String =
        signed.iter().flat_map(|(name, value)| [*name, ":", value.trim(), "\n"]).collect();
    let Request { method, path, .. } = request;
    let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{body}");
    let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let day = stamp.split('T').next().unwrap_or_default();
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}");
    let signature = hex(mac(&key(&keys.secret, (day, region)), text.as_bytes()).as_ref());
    let id = &keys.id;
    let proof = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope},SignedHeaders={names},Signature={signature}"
    );
    headers.push(("authorization", proof));
    headers
}

/// The key of a day, made of the secret.
fn key(secret: &str, (day, region): (&str, &str)) -> hmac::Tag {
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    let mut tag = hmac::sign(&first, day.as_bytes());
    for part in [region, SERVICE, "aws4_request"] {
        tag = mac(&tag, part.as_bytes());
    }
    tag
}

fn mac(key: &hmac::Tag, bytes: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), bytes)
}

/// The parts of a path, encoded as signatures want them: all but letters, digits and `-._~`.
pub(crate) fn encode(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let told = write!(text, "%{byte:02X}");
            debug_assert_eq!(told, Ok(()), "a String takes every line");
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let told = write!(text, "{byte:02x}");
        debug_assert_eq!(told, Ok(()), "a String takes every line");
    }
    text
}

#[cfg(test)]
mod tests;
