//! Installs what the tests need from Debian, and says what.

use anyhow::{Context, Result};

use crate::step;

/// A program, how it is asked whether it is there, and the package that has it.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    program: &'static str,
    question: &'static str,
    /// With those that are of no use without it.
    package: &'static str,
    /// What it is for, in the words of whoever wonders.
    why: &'static str,
}

pub const COMPILER: &[Need] = &[
    need("cc", "--version", "build-essential", "SQLite and zstd are compiled"),
    need("git", "--version", "git", "the house rules read what is committed"),
];

pub const BROWSER: &[Need] = &[
    need("chromium", "--version", "chromium", "the console is looked at in a browser"),
    need("node", "--version", "nodejs", "it drives the browser"),
    need("npm", "--version", "npm", "it brings what drives the browser"),
];

pub const CLIENTS: &[Need] = &[
    need("mosquitto_sub", "--help", "mosquitto-clients", "foreign clients: two programs"),
    need("python3", "--version", "python3-venv", "foreign clients: paho runs in it"),
    need("stdbuf", "--version", "coreutils", "foreign clients: lines as they are written"),
];

pub const SQL: &[Need] =
    &[need("psql", "--version", "postgresql-client", "foreign clients: it asks in SQL")];

pub const NODE: &[Need] = &[
    need("node", "--version", "nodejs", "foreign clients: MQTT.js runs in it"),
    need("npm", "--version", "npm", "foreign clients: it brings MQTT.js"),
];

pub const POWER: &[Need] = &[
    need("qemu-storage-daemon", "--version", "qemu-utils", "power cuts: it logs writes"),
    need("mkfs.ext4", "-V", "e2fsprogs", "power cuts: the file system"),
    need("losetup", "--version", "mount", "power cuts: the block device"),
];

pub const MOSQUITTO: &[Need] = &[
    need("mosquitto", "-h", "mosquitto", "a broker to compare with"),
    need("taskset", "--version", "util-linux", "it pins programs to cores"),
];

pub const PYTHON: &[Need] =
    &[need("python3", "--version", "python3-venv", "it asks stores that are compared")];

pub const POSTGRES: &[Need] = &[
    need("pg_lsclusters", "--help", "postgresql", "a store to compare with"),
    need("setpriv", "--version", "util-linux", "root may not start it"),
];

pub const INFLUX: &[Need] = &[need("influxd", "version", "influxdb", "a store to compare with")];

pub const VICTORIA: &[Need] =
    &[need("victoria-metrics", "--version", "victoria-metrics", "a store to compare with")];

pub const CLOCK: &[Need] =
    &[need("faketime", "--version", "faketime", "days are closed without waiting for it")];

pub const NATS: &[Need] =
    &[need("nats-server", "--version", "nats-server", "a broker to compare with")];

pub const PINNING: &[Need] =
    &[need("taskset", "--version", "util-linux", "it pins programs to cores")];

pub const CMAKE: &[Need] = &[need(
    "cmake",
    "--version",
    "cmake g++ libssl-dev libcjson-dev",
    "brokers to compare with are built from source",
)];

const fn need(
    program: &'static str,
    question: &'static str,
    package: &'static str,
    why: &'static str,
) -> Need {
    Need { program, question, package, why }
}

/// # Errors
/// When a package is missing and cannot be installed.
pub fn install(needs: &[Need]) -> Result<()> {
    let missing: Vec<_> =
        needs.iter().filter(|need| !step::has(need.program, need.question)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        crate::say(&format!("installing {}: {} ({})", need.package, need.why, need.program));
    }
    step::run("apt-get", &["update", "-q"]).context("only Debian's packages are known here")?;
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(missing.iter().flat_map(|need| need.package.split(' ')));
    step::run("apt-get", &arguments)
}

/// Root, and a kernel with FUSE, loop devices and ext4: then power can be cut here.
#[must_use]
pub fn power_can_be_cut() -> bool {
    let devices = ["/dev/fuse", "/dev/loop-control"];
    let there = devices.iter().all(|path| std::path::Path::new(path).exists());
    there && rustix::process::geteuid().is_root()
}
