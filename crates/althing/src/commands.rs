//! The commands that talk to a running site, or look at the machine. Each writes to what it is
//! given and returns how it ended.

use std::io::Write;

use field::client::Login;

use crate::cli::DoorArgs;
use crate::complaint::{Complaint, Exit};
use crate::config::{Config, ConfigFault};

pub(crate) mod backup;
pub(crate) mod credential;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod grafana;
pub(crate) mod import;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod show;
pub(crate) mod sql;
pub(crate) mod tail;
#[cfg(test)]
mod testing;
pub(crate) mod top;
pub(crate) mod trace;
pub(crate) mod upgrade;

/// What every command gets.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) json: bool,
    pub(crate) out: &'a mut dyn Write,
}

impl Context<'_> {
    /// A `HOST:PORT` that was given, or the configured MQTT address.
    #[must_use]
    pub(crate) fn mqtt(&self, given: Option<&str>) -> String {
        given.map_or_else(|| self.config.mqtt.address.to_string(), str::to_owned)
    }
}

/// Who a command logs in as, if anybody.
///
/// # Errors
/// When the password cannot be read.
pub(crate) fn login(door: &DoorArgs) -> Result<Option<Login>, Complaint> {
    let Some((name, path)) = door.user.as_ref().zip(door.password_file.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(Login { name: name.clone(), password: credential::password_in(path)? }))
}

/// Ours among the clients of a server: two of the same name would throw each other out.
#[must_use]
pub(crate) fn client_id(command: &str) -> String {
    format!("althing-{command}-{}", std::process::id())
}

/// A fault of the configuration, for people.
#[must_use]
pub(crate) fn config_complaint(fault: &ConfigFault) -> Complaint {
    Complaint::new(Exit::Usage, fault.to_string()).at(fault.place()).next(fault.next())
}

/// A fault of the MQTT client, for people.
#[must_use]
pub(crate) fn field_complaint(fault: &field::Fault, place: &str) -> Complaint {
    use field::Fault;
    let (exit, next) = match fault {
        Fault::Unreachable { .. } => (Exit::Unreachable, "althing serve --anonymous"),
        Fault::Refused(mqtt::Reason::BadAuthMethod) => {
            (Exit::Failed, "without --user; that server knows no SCRAM-SHA-256")
        }
        Fault::Refused(_) => {
            (Exit::Failed, "althing serve --anonymous, or here --user NAME --password-file FILE")
        }
        Fault::LoginRefused { .. } => (Exit::Failed, "althing credential NAME"),
        Fault::Login(_) => (Exit::Usage, "althing credential NAME"),
        Fault::Mapping(_) => (Exit::Usage, "althing replay --help"),
        Fault::Topic { .. } => (Exit::Usage, "a topic holds no +, # or NUL"),
        Fault::Input { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            (Exit::NotFound, "")
        }
        Fault::Input { .. }
        | Fault::Csv { .. }
        | Fault::Progress(_)
        | Fault::Server(_)
        | Fault::Unexpected(_)
        | Fault::TooLong(_)
        | Fault::Mistrust(_)
        | Fault::Random(_)
        | Fault::Thread(_) => (Exit::Failed, ""),
        Fault::Stopped => (Exit::Failed, "the same command again; with --resume FILE it goes on"),
    };
    Complaint::from_error(exit, fault).at(place).next(next)
}

#[cfg(test)]
mod tests;
