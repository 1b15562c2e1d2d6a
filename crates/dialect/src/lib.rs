//! Recognisers: what a device's message means, without configuration.
//!
//! Owns: which dialect reads a message, names, values, units and times of its readings, the keys of
//! its device, and what earlier messages taught about later ones.
//! Never: input or output, clocks, devices themselves (`registry`), series (`history`).
//!
//! Contract: the same messages in the same order give the same outcomes, across `snapshot` and
//! `restore` too. Every field of every message is hostile: nothing here panics, and what is held
//! has limits.

mod claim;
mod note;
mod outcome;
mod recognizer;

// One file for each dialect.
mod fallback;
mod line;
mod senml;
mod thingsboard;

// What all dialects have in common.
mod describe;
mod identity;
mod json;
mod leaf;
mod name;
mod state;
mod time;
mod unit;
mod value;

pub mod probe;

pub use leaf::LEAVES_MAX;
pub use line::{POINTS_MAX, is_line};
pub use name::NAME_BYTES_MAX;
pub use note::Note;
pub use outcome::{Attribute, Group, Outcome, Outgoing, Presence, Reading, UnitBasis, Verdict};
pub use recognizer::{Context, PAYLOAD_BYTES_MAX, Recognizer, TOPIC_BYTES_MAX, TOPIC_LEVELS_MAX};
pub use state::{StateFault, WATCHED_MAX};
pub use time::{Zone, ZoneFault};
pub use unit::{Settlement, second_name, settle_unit};
pub use value::TEXT_BYTES_MAX;
