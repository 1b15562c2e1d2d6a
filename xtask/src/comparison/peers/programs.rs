//! Where the programs come from: built here, built from a source directory, from a registry, or
//! whatever is in the PATH.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::Peer;
use crate::{setup, step};

/// The registry's current one. It resolves unlocked and without its default features only.
const RUMQTTD_VERSION: &str = "0.20.0";

/// Source directories of brokers that Debian does not have, or has in an old version only.
#[derive(Clone, Debug, Default, Args)]
pub struct Sources {
    /// FlashMQ is built from here; without it, `flashmq` in the PATH is taken.
    #[arg(long)]
    pub flashmq_source: Option<PathBuf>,
    /// Mosquitto is built from here; without it, `mosquitto` in the PATH is taken.
    #[arg(long)]
    pub mosquitto_source: Option<PathBuf>,
    /// `NanoMQ` is built from here, with `NanoNNG` in its folder `nng`; without it, `nanomq` in
    /// the PATH is taken.
    #[arg(long)]
    pub nanomq_source: Option<PathBuf>,
}

/// How a broker is built with `cmake`.
struct Recipe {
    flags: &'static [&'static str],
    target: &'static str,
    /// Of the program, in the build directory.
    path: &'static str,
}

const FLASHMQ: Recipe = Recipe { flags: &[], target: "flashmq", path: "flashmq" };

const MOSQUITTO: Recipe = Recipe {
    flags: &[
        "-DWITH_DOCS=OFF",
        "-DWITH_CLIENTS=OFF",
        "-DWITH_APPS=OFF",
        "-DWITH_PLUGINS=OFF",
        "-DWITH_TESTS=OFF",
        "-DWITH_LIB_CPP=OFF",
        "-DWITH_CTRL_SHELL=OFF",
    ],
    target: "mosquitto",
    path: "src/mosquitto",
};

const NANOMQ: Recipe = Recipe {
    flags: &[
        "-DBUILD_NANOMQ_CLI=OFF",
        "-DNNG_ENABLE_TLS=OFF",
        "-DNNG_ENABLE_SQLITE=OFF",
        "-DNNG_TESTS=OFF",
        "-DNNG_TOOLS=OFF",
    ],
    target: "nanomq",
    path: "nanomq/nanomq",
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Programs(BTreeMap<Peer, PathBuf>);

impl Programs {
    /// Those in the PATH.
    pub(crate) fn in_path() -> Self {
        Self::default()
    }

    /// Builds or installs what is missing. `generator` is the forwarder as well.
    pub(in crate::comparison) fn find(
        peers: &[Peer],
        sources: &Sources,
        generator: &Path,
    ) -> Result<Self> {
        setup::install(setup::PINNING)?;
        let mut programs = BTreeMap::new();
        for peer in peers {
            let path = match peer {
                // A site is more than a path.
                Peer::Althing => continue,
                Peer::Core => core()?,
                Peer::Limit => generator.to_owned(),
                Peer::Mosquitto => match &sources.mosquitto_source {
                    Some(source) => build(source, "mosquitto", &MOSQUITTO)?,
                    None => debian("mosquitto", setup::MOSQUITTO)?,
                },
                Peer::Nats => debian("nats-server", setup::NATS)?,
                Peer::Flashmq => found(sources.flashmq_source.as_deref(), "flashmq", &FLASHMQ)?,
                Peer::Nanomq => found(sources.nanomq_source.as_deref(), "nanomq", &NANOMQ)?,
                Peer::Rumqttd => rumqttd()?,
            };
            programs.insert(*peer, path);
        }
        Ok(Self(programs))
    }

    pub(super) fn path(&self, peer: Peer, name: &str) -> PathBuf {
        self.0.get(&peer).map_or_else(|| PathBuf::from(name), Clone::clone)
    }
}

fn debian(program: &str, needs: &[setup::Need]) -> Result<PathBuf> {
    setup::install(needs)?;
    Ok(program.into())
}

fn found(source: Option<&Path>, name: &str, recipe: &Recipe) -> Result<PathBuf> {
    match source {
        Some(source) => build(source, name, recipe),
        None if step::has(name, "--version") => Ok(name.into()),
        None => bail!("{name} is not in the PATH: give --{name}-source"),
    }
}

fn folder() -> Result<PathBuf> {
    Ok(step::workspace()?.target_directory.into_std_path_buf().join("peers"))
}

/// What is unchanged is not built again.
fn build(source: &Path, name: &str, recipe: &Recipe) -> Result<PathBuf> {
    setup::install(setup::CMAKE)?;
    let source = source.canonicalize().with_context(|| format!("no {}", source.display()))?;
    let (into, source) = (folder()?.join(name), source.to_string_lossy().into_owned());
    let into_text = into.to_string_lossy().into_owned();
    let configure = ["-S", &source, "-B", &into_text, "-DCMAKE_BUILD_TYPE=Release"];
    step::run("cmake", &[&configure[..], recipe.flags].concat())?;
    step::run("cmake", &["--build", &into_text, "--parallel", "2", "--target", recipe.target])?;
    Ok(into.join(recipe.path))
}

/// Builds it from the registry, once.
fn rumqttd() -> Result<PathBuf> {
    let root = folder()?;
    let path = root.join("bin/rumqttd");
    if !path.exists() {
        let root = root.to_string_lossy();
        let what = ["install", "rumqttd", "--version", RUMQTTD_VERSION, "--no-default-features"];
        step::run("cargo", &[&what[..], &["--root", &root]].concat())?;
    }
    Ok(path)
}

/// Althing's broker without history and pages.
fn core() -> Result<PathBuf> {
    let what = ["build", "--release", "--locked", "--package", "edge", "--example", "broker"];
    step::run("cargo", &what)?;
    let target = step::workspace()?.target_directory.into_std_path_buf();
    Ok(target.join("release/examples/broker"))
}
