//! A site with two devices, served to clients of PostgreSQL.

use std::sync::Arc;

use history::storage::memory::Memory;
use history::{Options, Room, SeriesInfo, SeriesKey};
use model::{Horizon, Position, Quality, Timestamp, Value};
use query::{Catalog, DeviceRow, Engine, Limits, MessageScan, Messages};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// 2026-11-01T00:00:00Z.
pub(crate) const START: i64 = 1_793_491_200_000;

#[derive(Debug)]
struct Devices;

impl Catalog for Devices {
    fn devices(&self) -> Vec<DeviceRow> {
        let row = |device: &str| DeviceRow {
            device: device.to_owned(),
            device_type: "node".to_owned(),
            first_seen: Some(Timestamp::from_millis(START)),
            ..DeviceRow::default()
        };
        vec![row("farm/north"), row("farm/south")]
    }

    fn messages(&self, _scan: MessageScan) -> Messages {
        Box::new(std::iter::empty())
    }
}

pub(crate) fn engine(limits: Limits) -> Arc<Engine> {
    let now = Timestamp::from_millis(START);
    let storage = Arc::new(Memory::default());
    let (mut writer, reader, _) = history::open_on(storage, Options::new("unused"), now).unwrap();
    let (horizon, durable, marks) = Horizon::new(Position::ZERO, &["history"], Box::new(|_| {}));
    let position = Position::new(1);
    for (device, signal, after, value) in [
        ("farm/north", "temperature", 0, Value::Number(20.5)),
        ("farm/north", "door", 0, Value::Text("open")),
        ("farm/south", "temperature", 60_000, Value::Number(-3.0)),
    ] {
        let series = writer.series(SeriesKey { device, signal }, SeriesInfo::default());
        let time = Timestamp::from_millis(START + after);
        writer.append(series, (time, value), Quality::GOOD, position);
    }
    assert!(matches!(writer.seal(position), Room::Free));
    let (mut durable, mut marks) = (durable, marks);
    durable.advance(position);
    marks.pop().unwrap().advance(position);
    Arc::new(Engine::new(reader, horizon, Arc::new(Devices), limits).unwrap())
}

/// A client of a site that lives as long as the test.
pub(crate) async fn client() -> Client {
    connect(serve(Limits::default()).await).await
}

pub(crate) async fn serve(limits: Limits) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Handle::current().spawn(postgres::serve(listener, engine(limits), postgres::Limits::default()));
    port
}

pub(crate) async fn connect(port: u16) -> Client {
    let config = format!("host=127.0.0.1 port={port} user=anybody dbname=althing");
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
    Handle::current().spawn(connection);
    client
}

/// All rows of all statements, as text.
pub(crate) async fn rows(client: &Client, sql: &str) -> Vec<Vec<String>> {
    let messages =
        client.simple_query(sql).await.unwrap_or_else(|fault| panic!("{sql}\n{fault:?}"));
    let row = |message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        let text = |column| row.get(column).unwrap_or("NULL").to_owned();
        Some((0..row.len()).map(text).collect())
    };
    messages.into_iter().filter_map(row).collect()
}
