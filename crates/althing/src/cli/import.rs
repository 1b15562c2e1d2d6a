//! The flags of `althing import`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use import::Epoch;

use super::pair;
use crate::config::Span;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// A table in text, wide (a column for each signal) or long (a row for each reading)
    Csv(ImportCsvArgs),
    /// The same as a Parquet file, also as `althing sql --parquet` writes it
    Parquet(ImportParquetArgs),
    /// Points of InfluxDB's line protocol, also as `influx_inspect export` writes them
    LineProtocol(ImportLinesArgs),
    /// The recorder database of Home Assistant (home-assistant_v2.db)
    HomeAssistant(ImportHomeArgs),
    /// A dump of ThingsBoard's database by `pg_dump --format=plain`
    Thingsboard(ImportDumpArgs),
}

/// What all of them have.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportFlags {
    /// File, packed with gzip or not
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Say what would come, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remember there what is done, and go on from there
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// How long a site that is gone or takes nothing is waited for
    #[arg(long, default_value = "120s", value_name = "SPAN")]
    pub(crate) patience: Span,
    /// Address of the site's API [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

/// What columns mean. See docs/import.md.
#[derive(Clone, Debug, Args)]
pub(crate) struct ColumnFlags {
    /// Column of the time [default: one called time, timestamp, ts, datetime or date]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// s, ms, us or ns since 1970, or as for strptime: '%d.%m.%Y %H:%M' [default: by its looks]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) time_format: Option<String>,
    /// Zone of times that name none: +08:00, Europe/Berlin, system
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub(crate) timezone: String,
    /// Column of the device [default: one called device, sensor, station or the like]
    #[arg(long, value_name = "COLUMN", conflicts_with = "device_name")]
    pub(crate) device: Option<String>,
    /// All rows are of this device [default, without such a column: the name of the file]
    #[arg(long, value_name = "NAME")]
    pub(crate) device_name: Option<String>,
    /// Column of the signal: the table is a long one [default: one called signal, metric …]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) signal: Option<String>,
    /// Column of the value in a long table [default: value, or number and text]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) value: Option<String>,
    /// Column of the unit in a long table [default: one called unit]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) unit_column: Option<String>,
    /// Unit of a column, or of a signal in a long table: PM2.5=ug/m3
    #[arg(long, value_name = "NAME=UNIT", value_delimiter = ',', value_parser = pair)]
    pub(crate) unit: Vec<(String, String)>,
    /// Columns of a wide table that are signals [default: all that have no other use]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Columns of a wide table that are none
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) without: Vec<String>,
    /// Cells that mean "no value"; an empty cell always does
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "NA")]
    pub(crate) missing: Vec<String>,
}

/// A text before the name of each device.
#[derive(Clone, Debug, Args)]
pub(crate) struct PrefixFlag {
    /// Put before the name of each device: 'old-site/'
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) prefix: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportCsvArgs {
    #[command(flatten)]
    pub(crate) flags: ImportFlags,
    #[command(flatten)]
    pub(crate) columns: ColumnFlags,
    #[command(flatten)]
    pub(crate) prefix: PrefixFlag,
    /// Between two cells: a letter, or `tab` [default: by the first line]
    #[arg(long, value_name = "LETTER", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportParquetArgs {
    #[command(flatten)]
    pub(crate) flags: ImportFlags,
    #[command(flatten)]
    pub(crate) columns: ColumnFlags,
    #[command(flatten)]
    pub(crate) prefix: PrefixFlag,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportLinesArgs {
    #[command(flatten)]
    pub(crate) flags: ImportFlags,
    /// Database, a level of the topic [default: as the file says, else the name of the file]
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HomePart {
    /// States, and statistics of hours
    All,
    States,
    Statistics,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportHomeArgs {
    #[command(flatten)]
    pub(crate) flags: ImportFlags,
    #[command(flatten)]
    pub(crate) prefix: PrefixFlag,
    /// What of the database
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) only: HomePart,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportDumpArgs {
    #[command(flatten)]
    pub(crate) flags: ImportFlags,
    #[command(flatten)]
    pub(crate) prefix: PrefixFlag,
}

impl ImportCommand {
    #[must_use]
    pub(crate) fn flags(&self) -> &ImportFlags {
        match self {
            Self::Csv(args) => &args.flags,
            Self::Parquet(args) => &args.flags,
            Self::LineProtocol(args) => &args.flags,
            Self::HomeAssistant(args) => &args.flags,
            Self::Thingsboard(args) => &args.flags,
        }
    }

    /// The flags that say what rows mean; another patience is no other import.
    #[must_use]
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Csv(args) => format!("csv {:?} {:?}", args.columns, args.delimiter),
            Self::Parquet(args) => format!("parquet {:?}", args.columns),
            Self::LineProtocol(args) => format!("lines {:?}", args.database),
            Self::HomeAssistant(args) => format!("home-assistant {:?}", args.only),
            Self::Thingsboard(_) => "thingsboard".to_owned(),
        }
    }

    #[must_use]
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Csv(args) => &args.prefix.prefix,
            Self::Parquet(args) => &args.prefix.prefix,
            Self::LineProtocol(_) => "",
            Self::HomeAssistant(args) => &args.prefix.prefix,
            Self::Thingsboard(args) => &args.prefix.prefix,
        }
    }
}

impl ColumnFlags {
    /// What numbers count, when the format says that.
    #[must_use]
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        match self.time_format.as_deref()? {
            "s" => Some(Epoch::Seconds),
            "ms" => Some(Epoch::Millis),
            "us" => Some(Epoch::Micros),
            "ns" => Some(Epoch::Nanos),
            _ => None,
        }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [letter] if letter.is_ascii() => Ok(*letter),
        _ => Err(format!("{text:?} is neither one letter nor tab")),
    }
}
