//! The devices as clients of the broker, and a program that listens to all of them.

use std::time::Duration;

use console::{SiteFault, System};
use model::census::{
    Client, Connection, Detail, DoorName, Expiry, Filter, Page, Presence, Question, Rate, Totals,
    Traffic, Transport, Version,
};
use model::{Qos, Timestamp};

use super::{Spec, World, position_of};

const HOUR: Duration = Duration::from_secs(3_600);

impl World {
    pub(super) fn system_view(&self) -> System {
        let position = position_of(self.time());
        System {
            durable: console::Site::durable(self),
            uptime: HOUR * 31,
            resident_bytes: Some(94_371_840),
            commit_p50: Duration::from_micros(142),
            commit_p99: Duration::from_micros(2_310),
            journal: position + 3,
            history: position,
            journal_bytes: 734_003_200,
            disk_full: false,
        }
    }

    pub(super) fn page(&self, question: &Question) -> Result<Page, SiteFault> {
        let now = self.time();
        let all: Vec<Client> = self.all_clients(now);
        let mut totals = Totals::default();
        all.iter().for_each(|client| totals.add(&of(client)));
        let search = question.search.to_lowercase();
        let fits = |client: &&Client| {
            let present = match question.presence {
                Presence::Any => true,
                Presence::Connected => client.connection.is_some(),
                Presence::Away => client.connection.is_none(),
            };
            let peer = client.connection.as_ref().map(|line| line.peer.to_string());
            let text = format!("{} {}", client.id.to_lowercase(), peer.unwrap_or_default());
            present && text.contains(&search)
        };
        let found: Vec<Client> = all.iter().filter(fits).cloned().collect();
        let matching = found.len() as u64;
        let behind = |client: &Client| {
            let weight = question.order.weight(client);
            question.after.as_ref().is_none_or(|mark| mark.is_before(weight, &client.id))
        };
        let clients = found.into_iter().filter(behind).collect();
        let page = Page { clients, matching, totals, next: None };
        Ok(Page::merge(vec![page], question.order, question.limit))
    }

    pub(super) fn detail(&self, id: &str) -> Option<Detail> {
        let client = self.all_clients(self.time()).into_iter().find(|client| *client.id == *id)?;
        let listens = client.subscriptions > 1;
        let filters: &[&str] = if listens { &["#", "$share/lab/meters/+"] } else { &["command/#"] };
        let qos = Qos::AtLeastOnce;
        let filters = filters.iter().map(|filter| Filter { filter: (*filter).into(), qos });
        Some(Detail { filters: filters.collect(), client })
    }

    fn all_clients(&self, now: Timestamp) -> Vec<Client> {
        let mut clients: Vec<Client> = self.specs.iter().map(|spec| device(spec, now)).collect();
        if !clients.is_empty() {
            clients.push(laboratory(now));
        }
        clients
    }
}

fn device(spec: &Spec, now: Timestamp) -> Client {
    let latest = spec.latest(now);
    let every = spec.every.unsigned_abs();
    let away = spec.silent_for.is_some();
    let said = 3_600 * 9 / every;
    let host = u8::try_from(spec.index % 250).unwrap_or_default();
    let line = Connection {
        peer: std::net::SocketAddr::from(([192, 168, 1, host], 49_152)),
        door: Some(DoorName { listener: "mqtt".into(), transport: Transport::Tcp }),
        version: if spec.index.is_multiple_of(2) { Version::V5 } else { Version::V311 },
        since: now.saturating_sub(HOUR * 9),
        last_heard: latest,
        keep_alive: Duration::from_secs(60),
        traffic: Traffic {
            messages_in: said,
            messages_out: 0,
            bytes_in: said * 96,
            bytes_out: said * 4,
        },
        rate: Rate { received_millis: 1_000 / every, sent_millis: 0 },
        output_bytes: 0,
    };
    Client {
        id: spec.handle.as_str().into(),
        connection: (!away).then_some(line),
        subscriptions: 1,
        in_flight: 0,
        queued: if away { 12 } else { 0 },
        expiry: if away { Expiry::Left(HOUR * 5) } else { Expiry::Granted(HOUR * 24) },
    }
}

/// A subscriber that cannot keep up.
fn laboratory(now: Timestamp) -> Client {
    let line = Connection {
        peer: std::net::SocketAddr::from(([192, 168, 1, 20], 50_112)),
        door: Some(DoorName { listener: "browsers".into(), transport: Transport::SecureWebSocket }),
        version: Version::V5,
        since: now.saturating_sub(HOUR * 2),
        last_heard: now,
        keep_alive: Duration::ZERO,
        traffic: Traffic {
            messages_in: 0,
            messages_out: 1_204_311,
            bytes_in: 4_211,
            bytes_out: 118_022_410,
        },
        rate: Rate { received_millis: 0, sent_millis: 14_260 },
        output_bytes: 1_048_576,
    };
    Client {
        id: "laboratory".into(),
        connection: Some(line),
        subscriptions: 2,
        in_flight: 256,
        queued: 4_311,
        expiry: Expiry::Never,
    }
}

fn of(client: &Client) -> Totals {
    let line = client.connection.as_ref();
    Totals {
        sessions: 1,
        connected: u64::from(line.is_some()),
        subscriptions: client.subscriptions,
        queued: client.queued,
        in_flight: client.in_flight,
        output_bytes: line.map_or(0, |line| line.output_bytes),
        rate: line.map(|line| line.rate).unwrap_or_default(),
    }
}
