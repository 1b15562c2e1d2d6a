//! Names of signals: the device's own spelling, made safe to keep.

use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

/// Longest name of a signal. Names are a column of every table.
pub const NAME_BYTES_MAX: usize = 128;

/// `~` and 8 hex digits, which keep two long names apart that differ only at their end.
const CUT_MARK_BYTES: usize = 9;

/// Words at the end of a name whose values are texts, whatever they look like: a version 1.10 is
/// not 1.1, and a serial number is not a quantity.
const TEXT_WORDS: [&str; 12] = [
    "version", "ver", "serial", "sn", "id", "imei", "imsi", "iccid", "mac", "eui", "code", "phone",
];

/// Appends one segment: trimmed, in Unicode's composed form, without control characters.
pub(crate) fn push_segment(out: &mut String, segment: &str) {
    let segment = segment.trim();
    if is_plain(segment) {
        out.push_str(segment);
    } else {
        out.extend(segment.nfc().filter(|letter| !letter.is_control()));
    }
}

/// Appends a text that is part of a device key; spaces at its ends count.
pub(crate) fn push_key(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        out.extend(text.nfc().filter(|letter| !letter.is_control()));
    }
}

/// Appends `name`, cut if it is too long. True when it was.
pub(crate) fn push_name(out: &mut String, name: &str) -> bool {
    if name.len() <= NAME_BYTES_MAX {
        out.push_str(name);
        return false;
    }
    let end = name.floor_char_boundary(NAME_BYTES_MAX - CUT_MARK_BYTES);
    out.push_str(name.get(..end).unwrap_or_default());
    // Writing to a String cannot fail.
    let written = write!(out, "~{:08x}", crc32c::crc32c(name.as_bytes()));
    debug_assert_eq!(written, Ok(()));
    true
}

/// The value of a signal of this name stays a text.
pub(crate) fn means_text(name: &str) -> bool {
    let word = last_word(name);
    TEXT_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// `Version` of `fwVersion`, `id` of `motor_id`, `ID` of `deviceID`.
fn last_word(name: &str) -> &str {
    let bytes = name.as_bytes();
    let starts = |at: usize| match (at.checked_sub(1).and_then(|at| bytes.get(at)), bytes.get(at)) {
        (Some(before), Some(letter)) => {
            !before.is_ascii_alphanumeric()
                || (letter.is_ascii_uppercase() && !before.is_ascii_uppercase())
        }
        _ => true,
    };
    let start = (0..bytes.len()).rev().find(|at| starts(*at)).unwrap_or(0);
    name.get(start..).unwrap_or(name)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests;
