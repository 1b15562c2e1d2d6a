//! Every asset, compressed twice and named by its hash, as constants that embed it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::Made;

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// Own style sheets, joined in this order after the colours.
const STYLES: [&str; 6] =
    ["base.css", "shell.css", "parts.css", "pages.css", "completeness.css", "phone.css"];

/// Name in the page, file, type. The hash goes between `/a/` and the file's name.
const FILES: [(&str, &str, &str); 8] = [
    ("LIVE_JS", "assets/live.js", JS),
    ("CHART_JS", "assets/chart.js", JS),
    ("ASK_JS", "assets/ask.js", JS),
    ("EXPLORE_JS", "assets/explore.js", JS),
    ("TRACE_JS", "assets/trace.js", JS),
    ("ICON_SVG", "assets/icon.svg", "image/svg+xml"),
    ("UPLOT_JS", "vendor/uplot-1.6.32/uPlot.iife.min.js", JS),
    ("UPLOT_CSS", "vendor/uplot-1.6.32/uPlot.min.css", CSS),
];

pub(crate) fn generate(out_dir: &Path, colours: &str) -> Made<String> {
    let mut styles = colours.to_owned();
    for name in STYLES {
        styles.push_str(&fs::read_to_string(Path::new("assets").join(name))?);
    }
    let mut code = String::new();
    let mut all = String::new();
    let sheet = squeeze(&styles);
    embed(out_dir, &mut code, ("APP_CSS", "app.css", CSS), sheet.as_bytes())?;
    all.push_str("&APP_CSS, ");
    for (name, path, mime) in FILES {
        let bytes = fs::read(path)?;
        let file = path.rsplit('/').next().unwrap_or(path);
        embed(out_dir, &mut code, (name, file, mime), &bytes)?;
        write!(all, "&{name}, ")?;
    }
    writeln!(code, "pub(crate) static ALL: &[&Asset] = &[{all}];")?;
    Ok(code)
}

fn embed(out_dir: &Path, code: &mut String, what: (&str, &str, &str), raw: &[u8]) -> Made<()> {
    let (name, file, mime) = what;
    let hash = blake3::hash(raw).to_hex();
    let hash = hash.get(..12).unwrap_or_default();
    for (ending, bytes) in [("raw", raw.to_vec()), ("br", brotli(raw)?), ("gz", gzip(raw)?)] {
        fs::write(out_dir.join(format!("{file}.{ending}")), bytes)?;
    }
    writeln!(
        code,
        "pub(crate) static {name}: Asset = Asset {{ path: \"/a/{hash}/{file}\", mime: {mime:?}, \
         raw: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.raw\")), \
         br: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.br\")), \
         gz: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.gz\")) }};"
    )?;
    Ok(())
}

fn brotli(raw: &[u8]) -> Made<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &raw[..], &mut out, &params)?;
    Ok(out)
}

fn gzip(raw: &[u8]) -> Made<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(raw)?;
    Ok(encoder.finish()?)
}

/// Comments and the white space that a style sheet does not need.
fn squeeze(css: &str) -> String {
    let mut bare = String::new();
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let joined = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    [" {", "{ ", " }", "} ", "; ", ": ", ", "].iter().fold(joined, |css, pair| {
        // The space before a selector's colon has a meaning, the one after a property's has none.
        css.replace(pair, pair.trim())
    })
}
