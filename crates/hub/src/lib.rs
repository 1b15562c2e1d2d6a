//! Who hears what.
//!
//! Owns: subscriptions and how a topic finds them, retained messages, sessions and the queues of
//! what they have not yet been sent. Never: frames, sockets, clocks.
//!
//! A client lives on one shard, chosen by a hash of its id, so that its session is touched by one
//! thread only and a takeover is an ordinary function call. Shards share two things: the
//! `Subscriptions` and the `Retained` messages.

mod book;
mod publication;
mod queue;
mod retained;
mod routes;
mod sessions;
mod subscriptions;

pub use book::{Book, Booked, BookedWill, Owed};
pub use publication::Publication;
pub use queue::{Queue, QueueFull, Queued, Room};
pub use retained::{Retained, RetainedFull};
pub use routes::Routes;
pub use sessions::{
    ConnectionKey, Ended, Opened, Session, SessionKey, Sessions, SessionsFull, home_shard,
};
pub use subscriptions::{Grant, Matches, Route, SubscribeFault, Subscriptions};
