//! What can go wrong, sorted by who must act.

use std::io;
use std::path::PathBuf;

use model::topic::TopicFault;
use mqtt::{Malformed, Reason, TooLong};

/// Why the field fell silent.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Whoever runs the server: start it, or give another address.
    #[error("no MQTT server answers at {address}")]
    Unreachable { address: Box<str>, source: io::Error },
    /// Whoever runs the server: allow this client, or repair what the reason names.
    #[error("the server refuses: {0:?}")]
    Refused(Reason),
    /// The caller: give the right name and password.
    #[error("the server refuses the name {name:?} or its password")]
    LoginRefused { name: Box<str> },
    #[error("the name or the password cannot be one: {0}")]
    Login(scram::Unfit),
    /// The caller: this may be another server than it seems.
    #[error("the server does not prove who it is: {0}")]
    Mistrust(scram::Mistrust),
    #[error("the system has no random numbers")]
    Random(#[source] getrandom::Error),
    #[error("the server broke MQTT")]
    Server(#[from] Malformed),
    #[error("the server sent a {0:?}, which only a client may send or nobody asked for")]
    Unexpected(mqtt::Kind),
    /// The caller: send something shorter.
    #[error("the message does not fit MQTT")]
    TooLong(#[from] TooLong),
    #[error("the topic {topic:?} cannot be published to")]
    Topic { topic: Box<str>, source: TopicFault },
    /// The caller: change the mapping of columns.
    #[error(transparent)]
    Mapping(#[from] MappingFault),
    /// The owner of the file.
    #[error("{path} cannot be read", path = path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error("{path} is no readable CSV", path = path.display())]
    Csv { path: PathBuf, source: csv::Error },
    #[error(transparent)]
    Progress(#[from] ProgressFault),
    #[error("no thread could be started")]
    Thread(#[source] io::Error),
    /// Nobody: it was asked for.
    #[error("stopped before the end")]
    Stopped,
}

/// The columns and the flags do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    #[error("there is no column {wanted:?}; the file has {present}")]
    NoColumn { wanted: Box<str>, present: Box<str> },
    #[error("the placeholder {{{0}}} is not closed or empty")]
    Placeholder(Box<str>),
    #[error("{files} files would all speak as {device:?}: put {{file}} or a column into the topic")]
    OneTopic { files: usize, device: Box<str> },
    #[error("time columns are year,month,day[,hour[,minute[,second]]], in this order")]
    TimeColumns,
    #[error("{0:?} is no time zone: give an offset like +08:00 or a name like Europe/Berlin")]
    Zone(Box<str>),
    #[error("no column is left to be sent")]
    NoSignals,
    #[error("units travel in SenML only: add --as senml")]
    UnitWithoutSenml,
}

/// The file that remembers how far a replay came.
#[derive(Debug, thiserror::Error)]
pub enum ProgressFault {
    #[error("the progress file {path} cannot be read or written", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the progress file {path} is damaged; delete it to begin again", path = path.display())]
    Damaged { path: PathBuf },
    #[error(
        "the progress file {path} belongs to other files or another mapping; delete it to begin \
         again", path = path.display()
    )]
    Foreign { path: PathBuf },
}
