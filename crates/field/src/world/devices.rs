//! Who lives in the demo world and how each of them speaks.

use std::ops::Range;
use std::time::Duration;

/// What a device is. The word is the last part of its name, without the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Weather,
    Climate,
    Soil,
    Irrigation,
    Coldstore,
    Boiler,
    Filler,
    Capper,
    Labeller,
    Packer,
    Vibration,
    Compressor,
    Chiller,
    Hall,
    Meter,
    Tank,
    Pump,
    Well,
    Zone,
    Quality,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    Greenhouse,
    Bottling,
    Water,
}

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// One JSON object a message.
    Object,
    /// One value a topic.
    Scalars,
    /// A SenML pack (RFC 8428).
    Senml,
    /// The ThingsBoard device topics.
    Telemetry,
    /// The ThingsBoard gateway topics, several devices over one connection.
    Gateway,
}

#[derive(Clone, Debug)]
pub struct Device {
    /// `water/pump-1`; behind the gateway without its name.
    pub name: String,
    pub kind: Kind,
    pub number: u8,
    pub speech: Speech,
    /// Between two messages.
    pub every: Duration,
}

/// A connection to the server.
#[derive(Clone, Debug)]
pub struct Link {
    pub client_id: String,
    /// The ThingsBoard dialects carry a token here.
    pub user_name: Option<String>,
    /// Indexes into `World::devices`.
    pub devices: Range<usize>,
}

const GATEWAY: &str = "plant-gateway";

/// Kind, how many, dialect, seconds between two messages. The order is the order of connecting:
/// some of everything first.
const CAST: &[(Kind, u8, Speech, u64)] = &[
    (Kind::Weather, 1, Speech::Object, 5),
    (Kind::Climate, 6, Speech::Object, 5),
    (Kind::Pump, 4, Speech::Scalars, 5),
    (Kind::Filler, 2, Speech::Telemetry, 2),
    (Kind::Tank, 4, Speech::Object, 10),
    (Kind::Soil, 8, Speech::Senml, 15),
    (Kind::Coldstore, 2, Speech::Scalars, 10),
    (Kind::Zone, 6, Speech::Senml, 10),
    (Kind::Irrigation, 3, Speech::Scalars, 10),
    (Kind::Capper, 2, Speech::Telemetry, 2),
    (Kind::Labeller, 2, Speech::Telemetry, 5),
    (Kind::Packer, 2, Speech::Telemetry, 5),
    (Kind::Vibration, 4, Speech::Senml, 2),
    (Kind::Well, 2, Speech::Object, 30),
    (Kind::Quality, 2, Speech::Object, 30),
    (Kind::Boiler, 1, Speech::Object, 10),
    (Kind::Compressor, 2, Speech::Gateway, 5),
    (Kind::Chiller, 2, Speech::Gateway, 5),
    (Kind::Hall, 2, Speech::Gateway, 30),
    (Kind::Meter, 3, Speech::Gateway, 5),
];

pub(super) fn list() -> (Vec<Device>, Vec<Link>) {
    let mut devices: Vec<Device> = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for (kind, count, speech, seconds) in CAST {
        for number in 1..=*count {
            let device = Device {
                name: name(*kind, number),
                kind: *kind,
                number,
                speech: *speech,
                every: Duration::from_secs(*seconds),
            };
            let at = devices.len();
            match links.last_mut().filter(|link| shares(&link.client_id, *speech)) {
                Some(gateway) => gateway.devices.end = at + 1,
                None => links.push(link_of(&device, at)),
            }
            devices.push(device);
        }
    }
    (devices, links)
}

fn shares(client_id: &str, speech: Speech) -> bool {
    speech == Speech::Gateway && client_id == GATEWAY
}

fn link_of(device: &Device, at: usize) -> Link {
    let client_id = match device.speech {
        Speech::Gateway => GATEWAY.to_owned(),
        Speech::Object | Speech::Scalars | Speech::Senml | Speech::Telemetry => device.name.clone(),
    };
    let by_token = matches!(device.speech, Speech::Telemetry | Speech::Gateway);
    let user_name = by_token.then(|| client_id.clone());
    Link { client_id, user_name, devices: at..at + 1 }
}

pub(super) fn name(kind: Kind, number: u8) -> String {
    match kind {
        Kind::Compressor | Kind::Chiller | Kind::Hall | Kind::Meter => {
            format!("{}-{number}", kind.word())
        }
        Kind::Weather | Kind::Boiler => format!("{}/{}", kind.area().word(), kind.word()),
        Kind::Climate
        | Kind::Soil
        | Kind::Irrigation
        | Kind::Coldstore
        | Kind::Filler
        | Kind::Capper
        | Kind::Labeller
        | Kind::Packer
        | Kind::Vibration
        | Kind::Tank
        | Kind::Pump
        | Kind::Well
        | Kind::Zone
        | Kind::Quality => {
            format!("{}/{}-{number}", kind.area().word(), kind.word())
        }
    }
}

impl Device {
    /// Keeps the noise of one device apart from that of all others.
    pub(super) fn salt(&self) -> u64 {
        (self.kind as u64) * 256 + u64::from(self.number)
    }
}

impl Kind {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weather => "weather",
            Self::Climate => "climate",
            Self::Soil => "soil",
            Self::Irrigation => "irrigation",
            Self::Coldstore => "coldstore",
            Self::Boiler => "boiler",
            Self::Filler => "filler",
            Self::Capper => "capper",
            Self::Labeller => "labeller",
            Self::Packer => "packer",
            Self::Vibration => "vibration",
            Self::Compressor => "compressor",
            Self::Chiller => "chiller",
            Self::Hall => "hall",
            Self::Meter => "meter",
            Self::Tank => "tank",
            Self::Pump => "pump",
            Self::Well => "well",
            Self::Zone => "zone",
            Self::Quality => "quality",
        }
    }

    pub(super) const fn area(self) -> Area {
        match self {
            Self::Weather
            | Self::Climate
            | Self::Soil
            | Self::Irrigation
            | Self::Coldstore
            | Self::Boiler => Area::Greenhouse,
            Self::Filler
            | Self::Capper
            | Self::Labeller
            | Self::Packer
            | Self::Vibration
            | Self::Compressor
            | Self::Chiller
            | Self::Hall
            | Self::Meter => Area::Bottling,
            Self::Tank | Self::Pump | Self::Well | Self::Zone | Self::Quality => Area::Water,
        }
    }

    pub(super) fn is_bottling(self) -> bool {
        self.area() == Area::Bottling
    }
}

impl Area {
    const fn word(self) -> &'static str {
        match self {
            Self::Greenhouse => "greenhouse",
            Self::Bottling => "bottling",
            Self::Water => "water",
        }
    }
}
