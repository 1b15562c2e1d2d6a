//! Addresses within the console. A list, a chart or a statement is its address.

use std::fmt::Write as _;

/// Percent-encodes all but the letters that need no care anywhere in an address.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => write!(out, "%{byte:02X}").unwrap_or_default(),
        }
    }
    out
}

/// `/devices/farm/barn1`. Slashes stay readable, except where a browser would read the parts
/// between them as steps up or as nothing.
pub(crate) fn device(handle: &str) -> String {
    below("/devices", handle)
}

/// `/system/clients/pump-7`, likewise.
pub(crate) fn client(id: &str) -> String {
    below("/system/clients", id)
}

/// Where the API tells the packets of a client, line by line.
pub(crate) fn trace(id: &str) -> String {
    format!("/api/clients/{}/trace", encoded(id))
}

fn below(folder: &str, handle: &str) -> String {
    let steps = handle.split('/').any(|part| matches!(part, "" | "." | ".."));
    if steps {
        return format!("{folder}/{}", encoded(handle));
    }
    let parts: Vec<String> = handle.split('/').map(encoded).collect();
    format!("{folder}/{}", parts.join("/"))
}

/// `?a=b&c=d` of the pairs that have a value, or nothing.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        out.push_str(&encoded(value));
    }
    out
}

#[cfg(test)]
mod tests;
