//! What SQL shows besides readings: devices from the registry, messages from the journal.

use std::sync::Arc;

use journal::{Batch, Journal};
use model::record::Record;
use model::{Position, Timestamp};
use query::{Catalog, DeviceRow, MessageFault, MessageRow, MessageScan, Messages};
use registry::{Device, DeviceIndex, Directory, Registry};

#[derive(Debug)]
pub(crate) struct SiteCatalog {
    pub(crate) registry: Arc<Registry>,
    pub(crate) journal: Journal,
}

impl Catalog for SiteCatalog {
    fn devices(&self) -> Vec<DeviceRow> {
        let directory = self.registry.directory();
        directory.iter().map(|(index, device)| device_row(&directory, index, device)).collect()
    }

    fn each_label(&self, row: &mut dyn FnMut(&str, &str, &str)) {
        for (_, device) in self.registry.directory().iter() {
            for (name, value) in device.labels.iter() {
                row(&device.handle, name, value);
            }
        }
    }

    fn label_changes(&self) -> u64 {
        self.registry.directory().label_changes()
    }

    fn messages(&self, scan: MessageScan) -> Messages {
        let first = scan.first.max(self.journal.stats().first);
        let mut reader = self.journal.reader(first);
        let mut ready = Vec::new().into_iter();
        let mut done = false;
        Box::new(std::iter::from_fn(move || {
            loop {
                if let Some(row) = ready.next() {
                    return Some(Ok(row));
                }
                if done {
                    return None;
                }
                match reader.next_batch() {
                    Ok(Some(batch)) if batch.first() <= scan.last => {
                        ready = rows(&batch, &scan).into_iter()
                    }
                    Ok(_end) => done = true,
                    Err(fault) => {
                        done = true;
                        return Some(Err(MessageFault(fault.to_string())));
                    }
                }
            }
        }))
    }
}

fn device_row(directory: &Directory, index: DeviceIndex, device: &Device) -> DeviceRow {
    DeviceRow {
        device: device.handle.to_string(),
        title: device.title.as_deref().map(str::to_owned),
        device_type: device.device_type.to_string(),
        dialect: device.dialect.to_string(),
        keys: device.keys.iter().map(ToString::to_string).collect(),
        guessed: device.guessed,
        adopted: device.adopted,
        first_seen: Some(device.first_seen),
        last_seen: directory.pulse(index).and_then(|pulse| pulse.heard_at()),
    }
}

fn rows(batch: &Batch, scan: &MessageScan) -> Vec<MessageRow> {
    let wanted = |position: Position| scan.first <= position && position <= scan.last;
    let in_time = |time: Timestamp| {
        scan.from.is_none_or(|from| from <= time) && scan.to.is_none_or(|to| time < to)
    };
    let row = |(position, bytes): (Position, &[u8])| match Record::decode(bytes) {
        Ok(Record::Message(message)) if wanted(position) && in_time(message.received_at) => {
            Some(MessageRow {
                time: message.received_at,
                position,
                client: message.client.to_owned(),
                topic: message.topic.to_string(),
                payload: message.payload.to_vec(),
                qos: message.qos,
                retained: message.retain,
            })
        }
        _ => None,
    };
    batch.iter().filter_map(row).collect()
}
