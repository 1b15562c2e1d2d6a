//! Which format a request asks for: `?format=` first, then `Accept` with its weights.

use query::Format;

/// In the order in which equal weights are served.
const OFFERED: [(&str, &str, Format); 5] = [
    ("json", "application/json", Format::Json),
    ("csv", "text/csv", Format::Csv),
    ("jsonl", "application/x-ndjson", Format::JsonLines),
    ("arrow", "application/vnd.apache.arrow.stream", Format::Arrow),
    ("parquet", "application/vnd.apache.parquet", Format::Parquet),
];

pub(crate) fn by_name(name: &str) -> Option<Format> {
    OFFERED.iter().find(|(known, ..)| *known == name).map(|(.., format)| *format)
}

/// The best of what is accepted; `None` when nothing offered is.
pub(crate) fn by_accept(accept: &str) -> Option<Format> {
    let mut best: Option<(f32, Format)> = None;
    for (_, media, format) in OFFERED {
        let weight = weight_of(media, accept);
        if weight > best.map_or(0.0, |(known, _)| known) {
            best = Some((weight, format));
        }
    }
    best.map(|(_, format)| format)
}

/// The weight of the most exact range that holds `media` (RFC 9110, 12.5.1).
fn weight_of(media: &str, accept: &str) -> f32 {
    let mut found = (0_u8, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let exactness = match name.strip_suffix("/*") {
            Some("*") => 1,
            Some(kind) if media.split('/').next() == Some(kind) => 2,
            _ if name == media => 3,
            _ => continue,
        };
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        if exactness > found.0 {
            found = (exactness, weight.unwrap_or(0.0));
        }
    }
    found.1
}
