//! How devices and types get their names: readable, unique, and the same again after a replay.

use model::Timestamp;

use crate::Directory;

/// Longer handles say nothing more, and every row of a query shows one.
const HANDLE_BYTES_MAX: usize = 128;

/// A type is a table name; longer ones are cut.
const TYPE_BYTES_MAX: usize = 48;

/// The handle of a new device: its key without the kind, and `~2`, `~3` … when that is taken.
pub(crate) fn free_handle(key: &str, directory: &Directory) -> String {
    let name = key.split_once(':').map_or(key, |(_, name)| name);
    let wanted = cut(name, HANDLE_BYTES_MAX);
    if directory.by_handle(wanted).is_none() {
        return wanted.to_owned();
    }
    let mut number = 2_u64;
    loop {
        let handle = format!("{wanted}~{number}");
        if directory.by_handle(&handle).is_none() {
            return handle;
        }
        number += 1;
    }
}

/// The type of a device nobody described: the last part of its handle without the number that
/// tells it from its sisters. `farm/barn1` and `farm/barn2` are both a `barn`.
#[must_use]
pub fn device_type_of(handle: &str) -> String {
    let last = handle.rsplit(['/', ':']).find(|part| !part.is_empty()).unwrap_or(handle);
    let stem = last.trim_end_matches(|letter: char| {
        letter.is_ascii_digit() || matches!(letter, '-' | '_' | '.' | ' ' | '#' | '~')
    });
    slug(if stem.is_empty() { "device" } else { stem })
}

/// A name that SQL takes without quotes: lower case letters, digits and `_`, not a digit first.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = cut(out.trim_end_matches('_'), TYPE_BYTES_MAX);
    match out.chars().next() {
        None => "device".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("t_{out}"),
        Some(_) => out.to_owned(),
    }
}

/// 80 bits that a replay gives again. They need no secrecy, only to differ from device to device.
pub(crate) fn entropy(key: &str, at: Timestamp) -> u128 {
    // FNV-1a with 128 bits, over the key and the time of the first message.
    let bytes = key.bytes().chain(at.micros().to_le_bytes());
    let hash = bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    hash ^ (hash >> 48)
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or(text)
}
