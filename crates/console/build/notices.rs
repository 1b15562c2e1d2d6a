//! `vendor/VENDOR.toml` as a constant for the page of licences. A file whose bytes are not those
//! that were reviewed fails a test.

use std::fmt::Write as _;
use std::path::Path;

use crate::Made;

pub(crate) fn generate(vendor: &Path) -> Made<String> {
    let table: toml::Table = std::fs::read_to_string(vendor.join("VENDOR.toml"))?.parse()?;
    let files = table.get("file").and_then(toml::Value::as_array).ok_or("no [[file]]")?;
    let mut out = String::from("pub(crate) const NOTICES: &[Notice] = &[\n");
    for file in files {
        let field = |name: &str| file.get(name).and_then(toml::Value::as_str).unwrap_or_default();
        let text = std::fs::read_to_string(vendor.join(field("text")))?;
        writeln!(
            out,
            "Notice {{ name: {:?}, version: {:?}, license: {:?}, text: {text:?} }},",
            field("name"),
            field("version"),
            field("license"),
        )?;
    }
    out.push_str("];\n");
    Ok(out)
}
