//! The command line as clap reads it.

mod import;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Flag, MaybeAddress, Span};

pub(crate) use import::{ColumnFlags, HomePart, ImportCommand, ImportFlags};

/// Connects devices, keeps what they say, and answers questions about it.
#[derive(Debug, Parser)]
#[command(name = "althing", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// One JSON object a line instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Configuration [default: althing.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a site
    Serve(ServeArgs),
    /// Run a site with sixty simulated devices and a week of their past
    Demo(DemoArgs),
    /// Publish CSV files over MQTT
    Replay(Box<ReplayArgs>),
    /// Bring readings of other programs' files into a running site
    Import {
        #[command(subcommand)]
        command: Box<ImportCommand>,
    },
    /// Ask a question in SQL; without one, prompt for it
    Sql(SqlArgs),
    /// Print messages as they arrive
    Tail(TailArgs),
    /// Show what a running site does, every second
    Top(TopArgs),
    /// Show what one client says and hears, packet by packet
    Trace(TraceArgs),
    /// Publish a message and say when it is durable
    Pub(PubArgs),
    /// Print a line for the file of mqtt.credentials; the password comes from standard input
    Credential(CredentialArgs),
    /// Forget a device; without one, list the erasures that are under way
    Erase(EraseArgs),
    /// Copy a site into a folder, also while it runs; again into the same folder copies what is new
    Backup(BackupArgs),
    /// Make a site from a backup
    Restore(RestoreArgs),
    /// Read all of a backup, or of a site that does not run, and say what is damaged
    Verify(VerifyArgs),
    /// Say whether this version can go on with a site or a backup, and change nothing
    UpgradeCheck(UpgradeArgs),
    /// Look at clock, disk, ports and limits of this machine
    Doctor(DoctorArgs),
    /// Files for Grafana
    Grafana {
        #[command(subcommand)]
        command: GrafanaCommand,
    },
    /// The configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrafanaCommand {
    /// A data source and dashboards, as Grafana reads them from its provisioning folder
    Provision(ProvisionArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ProvisionArgs {
    /// Grafana's provisioning folder; without one, the data source is printed
    pub(crate) folder: Option<PathBuf>,
    /// Address of the site for clients of PostgreSQL [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) postgres: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every key with its value
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

/// The directory and the addresses of a site.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PlaceArgs {
    /// Directory of everything the site keeps [default: ./althing-data, ./althing-demo for a demo]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address for MQTT [default: 127.0.0.1:1883]
    #[arg(long, value_name = "ADDR")]
    pub(crate) mqtt: Option<SocketAddr>,
    /// Address for pages and API [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Address for SQL from PostgreSQL clients, or `off` [default: 127.0.0.1:5432]
    #[arg(long, value_name = "ADDR")]
    pub(crate) postgres: Option<MaybeAddress>,
    /// Event loops for MQTT; 0 for one on each core [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<u16>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Let devices in that have no credentials
    #[arg(long)]
    pub(crate) anonymous: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The same seed gives the same world
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How far the past of the devices goes back
    #[arg(long, default_value = "7d", value_name = "SPAN")]
    pub(crate) past: Span,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SqlArgs {
    /// The statement; `-` or a pipe reads it from standard input
    pub(crate) query: Option<String>,
    /// Answer as CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Answer as a Parquet file
    #[arg(long, conflicts_with_all = ["json", "csv"], requires = "out")]
    pub(crate) parquet: bool,
    /// Write the answer to a file, which is there when all of it is
    #[arg(long, value_name = "FILE", requires = "query")]
    pub(crate) out: Option<PathBuf>,
    /// Address of the site's API [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BackupArgs {
    /// Folder of the backup
    pub(crate) folder: PathBuf,
    /// Directory of the site [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Folder of the backup
    pub(crate) folder: PathBuf,
    /// Directory of the new site, empty or not there yet [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of a backup or directory of a site [default: the site as configured]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// Directory of a site, which may run, or folder of a backup [default: the site as configured]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct EraseArgs {
    /// Its handle, as the column `device` of SQL has it
    #[arg(value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// End when nothing is left of it in tables and snapshots
    #[arg(long, requires = "device")]
    pub(crate) wait: bool,
    /// Address of the site's API [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TopArgs {
    /// Print one snapshot and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Address of the site's API [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TraceArgs {
    /// Its client id; it need not be connected yet
    pub(crate) client: String,
    /// For so long, up to an hour
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) seconds: u64,
    /// With the first 4 KiB of each payload
    #[arg(long)]
    pub(crate) payload: bool,
    /// Address of the site's API [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TailArgs {
    /// Topic filters, such as 'site/+/temp' or '#'
    #[arg(required = true)]
    pub(crate) filters: Vec<String>,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PubArgs {
    pub(crate) topic: String,
    /// The message; `-` reads it from standard input
    pub(crate) message: String,
    /// Keep it as the value that later subscribers get first
    #[arg(long)]
    pub(crate) retain: bool,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CredentialArgs {
    /// Who logs in with it
    pub(crate) name: String,
}

/// Where to speak MQTT, and as whom.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoorArgs {
    /// Address of the MQTT server [default: as configured]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) mqtt: Option<String>,
    /// Log in with SCRAM-SHA-256 under this name
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub(crate) user: Option<String>,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormArg {
    Json,
    Senml,
}

/// Columns of a CSV file become signals of a device. See docs/replay.md.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// CSV files, also gzipped ones
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Topic, with {column} and {file} in it
    #[arg(long)]
    pub(crate) topic: String,
    /// Base name in SenML, likewise [default: the topic]
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Payload
    #[arg(long = "as", value_enum, default_value = "json")]
    pub(crate) form: FormArg,
    /// Column of the time [default: one called time, timestamp, ts, datetime or date]
    #[arg(long, value_name = "COLUMN", conflicts_with = "time_columns")]
    pub(crate) time: Option<String>,
    /// Columns of year, month, day, hour, minute, second; the last may be left out
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) time_columns: Vec<String>,
    /// How the time is written, as for strptime: '%d.%m.%Y %H:%M'
    #[arg(long, value_name = "FORMAT")]
    pub(crate) time_format: Option<String>,
    /// Zone of times that name none: +08:00, Europe/Berlin, system
    #[arg(long, default_value = "UTC")]
    pub(crate) zone: String,
    /// Columns to send [default: all that have no other use]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Columns not to send
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// Cells that mean "no value"; an empty cell always does
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "NA")]
    pub(crate) missing: Vec<String>,
    /// Call a column something else: a=b
    #[arg(long, value_name = "COLUMN=NAME", value_delimiter = ',', value_parser = pair)]
    pub(crate) rename: Vec<(String, String)>,
    /// Unit of a column: PM2.5=ug/m3 (with --as senml)
    #[arg(long, value_name = "COLUMN=UNIT", value_delimiter = ',', value_parser = pair)]
    pub(crate) unit: Vec<(String, String)>,
    /// `max`, or how many times faster than it was measured: 60x
    #[arg(long, default_value = "max", value_parser = speed)]
    pub(crate) speed: field::replay::Speed,
    /// Move all times so that the last row is now
    #[arg(long)]
    pub(crate) shift: bool,
    /// Messages in flight
    #[arg(long, default_value_t = 500, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub(crate) window: u16,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    /// Remember there what is done, and go on from there
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// How long a server that is gone is looked for
    #[arg(long, default_value = "120s", value_name = "SPAN")]
    pub(crate) patience: Span,
    #[command(flatten)]
    pub(crate) door: DoorArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(left, right)| !left.is_empty() && !right.is_empty());
    let (left, right) = parts.ok_or_else(|| format!("{text:?} is not of the form a=b"))?;
    Ok((left.to_owned(), right.to_owned()))
}

fn speed(text: &str) -> Result<field::replay::Speed, String> {
    use field::replay::Speed;
    if text == "max" {
        return Ok(Speed::Max);
    }
    let factor = text.strip_suffix('x').and_then(|number| number.parse::<f64>().ok());
    factor
        .filter(|factor| factor.is_finite() && *factor > 0.0)
        .map(Speed::Times)
        .ok_or_else(|| format!("{text:?} is neither max nor a factor such as 60x"))
}

impl PlaceArgs {
    /// As flags over the configuration.
    #[must_use]
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let flag = |name, key, value: Option<String>| value.map(|value| Flag { name, key, value });
        let data = self.data.as_ref().map(|path| path.to_string_lossy().into_owned());
        [
            flag("data", "data.dir", data),
            flag("mqtt", "mqtt.address", self.mqtt.map(|address| address.to_string())),
            flag("http", "http.address", self.http.map(|address| address.to_string())),
            flag("postgres", "postgres.address", self.postgres.map(|address| address.to_string())),
            flag("shards", "mqtt.shards", self.shards.map(|count| count.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl ServeArgs {
    #[must_use]
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let mut flags = self.place.flags();
        if self.anonymous {
            let (name, key) = ("anonymous", "mqtt.anonymous");
            flags.push(Flag { name, key, value: "true".to_owned() });
        }
        flags
    }
}

impl DemoArgs {
    /// The devices of the demo have no credentials, and what they say is no part of a real site.
    #[must_use]
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let mut place = self.place.clone();
        place.data.get_or_insert_with(|| PathBuf::from("./althing-demo"));
        ServeArgs { place, anonymous: true }.flags()
    }
}

#[cfg(test)]
mod tests;
