//! What SQL shows besides readings: devices and messages, given by whoever wires the site.

use std::fmt::Debug;

use model::{Position, Qos, Timestamp};

/// One row of `devices`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRow {
    /// The handle, as in the column `device` of `readings`.
    pub device: String,
    pub title: Option<String>,
    pub device_type: String,
    pub dialect: String,
    pub keys: Vec<String>,
    pub guessed: bool,
    pub adopted: bool,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
}

/// One row of `messages`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    pub time: Timestamp,
    pub position: Position,
    pub client: String,
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: Qos,
    pub retained: bool,
}

/// Which messages a statement can use. More may be given: SQL filters again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageScan {
    /// Messages at this position or later.
    pub first: Position,
    /// Messages up to this position; never beyond what is committed.
    pub last: Position,
    /// Received at this time or later.
    pub from: Option<Timestamp>,
    /// Received before this time.
    pub to: Option<Timestamp>,
}

/// Why messages cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be read: {0}")]
pub struct MessageFault(pub String);

/// Messages in the order of the journal.
pub type Messages = Box<dyn Iterator<Item = Result<MessageRow, MessageFault>> + Send>;

/// The parts of a site that SQL shows and history does not hold.
pub trait Catalog: Debug + Send + Sync {
    fn devices(&self) -> Vec<DeviceRow>;
    fn messages(&self, scan: MessageScan) -> Messages;

    /// Calls `row` with the device, the name and the value of every label. A catalog whose devices
    /// say nothing of themselves has none.
    fn each_label(&self, row: &mut dyn FnMut(&str, &str, &str)) {
        let _nobody = row;
    }

    /// Another number than before whenever a label may have changed.
    fn label_changes(&self) -> u64 {
        0
    }
}
