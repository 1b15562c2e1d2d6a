//! A bridge: messages of this site go out to another MQTT broker, and messages of that broker come
//! in.
//!
//! It is two ordinary clients, one of the site and one of the other broker, coupled by `Bridge`: a
//! message is acknowledged on the side it came from only after the other side has acknowledged it.
//! So whatever dies, the message is still in the session that it came from. The site's side keeps
//! its queue in the journal; that is the store in store-and-forward, and nothing is stored here.
//!
//! `Bridge` is pure: bytes and time in, bytes and wishes out. `Running` is the thread that carries
//! them. Never: storage, a decision about who may connect, QoS 2.

mod backoff;
mod bridge;
mod cause;
mod end;
mod line;
mod mapping;
mod oversize;
mod pipe;
mod plan;
mod running;
mod tls;

pub use bridge::{Bridge, News, Wish};
pub use cause::Cause;
pub use end::Side;
pub use line::Line;
pub use mapping::{Mapping, MappingFault, Route};
pub use plan::{Password, Plan, Remote, WINDOW_MAX};
pub use running::{Fault, Running, Shell};
pub use tls::{TlsFault, TlsOptions};
