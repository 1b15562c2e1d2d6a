//! The web console: pages rendered on the server from the views of a [`Site`].
//!
//! Owns: pages, their looks and words, the live stream of values. Never: storage, sessions, SQL;
//! it knows what a reading looks like and not where it lies. Every page can be read without a
//! script; scripts only keep it fresh and let one point into a chart.

mod markup;
mod show;
mod words;

mod assets;
mod chart;
mod explore;
mod filters;
mod pages;
mod reply;
mod shell;
mod site;
mod urls;

mod live;
mod router;

pub use explore::{Bucket, Choice, Choices, Draw, Exploration, Line, Named, Search};
pub use router::{CSP, router};
pub use site::{
    Activity, ActivityKind, Attention, Cell, Change, Changes, Column, ColumnKind, Device,
    DeviceChange, DeviceFilter, DeviceList, DeviceRow, Durable, Figures, Identity, LivePoint,
    MainSignal, Order, Overview, Point, RawMessage, Reading, Signal, SignalChange, Site, SiteFault,
    SqlAnswer, SqlFault, Status, System, Table, Trouble, Value, Want, Window,
};
