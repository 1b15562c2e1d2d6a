//! Makes what the console embeds: the style sheet from `tokens.toml`, typed texts from
//! `lang/en.ftl`, and every asset hashed and compressed. Needs no network and no other tool.

#[path = "build/assets.rs"]
mod assets;
#[path = "build/notices.rs"]
mod notices;
#[path = "build/tokens.rs"]
mod tokens;
#[path = "build/words.rs"]
mod words;

use std::path::{Path, PathBuf};
use std::{env, fs};

type Made<T> = Result<T, Box<dyn std::error::Error>>;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script its folder so")]
fn main() -> Made<()> {
    for path in ["assets", "build", "lang", "tokens.toml", "vendor"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let colours = tokens::css(&fs::read_to_string("tokens.toml")?)?;
    fs::write(out.join("words.rs"), words::generate(&fs::read_to_string("lang/en.ftl")?)?)?;
    fs::write(out.join("notices.rs"), notices::generate(Path::new("vendor"))?)?;
    fs::write(out.join("assets.rs"), assets::generate(&out, &colours)?)?;
    Ok(())
}
