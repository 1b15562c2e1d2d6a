//! Who comes in: clients that prove who they are before their CONNECT is answered, and again later
//! if they want. Until then they are connections whose CONNECT is unfinished, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub::ConnectionKey;
use model::Event;
use mqtt::{Connect, Reason, Violation};

use super::Shard;
use super::lifecycle::Newcomer;
use crate::authentication::{Exchange, Method, Step};
use crate::clock::Now;

/// Clients that named a method in their CONNECT, by connection. Others cost nothing here.
pub(super) type Parties = BTreeMap<ConnectionKey, Party>;

#[derive(Debug)]
pub(super) struct Party {
    method: Arc<dyn Method>,
    exchange: Option<Box<dyn Exchange>>,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    /// Its CONNECT is not answered: the client id that it gave, and whether it wants a new session.
    Outside { client_id: Box<str>, clean_start: bool },
    /// It is in, under this name.
    Inside(Box<str>),
}

impl Shard {
    pub(super) fn connect(&mut self, key: ConnectionKey, connect: &Connect<'_>, now: Now) {
        let (client_id, clean_start) = (connect.client_id, connect.clean_start);
        if let Some((name, data)) = connect.properties.authentication() {
            return self.authenticate(key, (client_id, clean_start), (name, data), now);
        }
        if !self.limits_of(key).anonymous {
            return self.claim(key, connect, now);
        }
        self.admit(key, &Newcomer { client_id, clean_start, auth_data: None }, now);
    }

    //= mqtt-v5 MQTT-4.12.0-1
    fn authenticate(
        &mut self,
        key: ConnectionKey,
        (client_id, clean_start): (&str, bool),
        (name, data): (&str, &[u8]),
        now: Now,
    ) {
        let Some(method) = self.common.methods.find(name).map(Arc::clone) else {
            self.common.meter.count(Event::AuthenticationRefused);
            return self.refuse(key, Reason::BadAuthMethod, now);
        };
        let step = method.begin(data);
        let standing = Standing::Outside { client_id: client_id.into(), clean_start };
        self.parties.insert(key, Party { method, exchange: None, standing });
        self.judge(key, step, now);
    }

    /// A client says more to prove who it is, or begins again.
    pub(super) fn prove(&mut self, key: ConnectionKey, (again, data): (bool, &[u8]), now: Now) {
        let Some(party) = self.parties.get_mut(&key) else { return };
        let step = match party.exchange.take() {
            _ if again => party.method.begin(data),
            Some(exchange) => exchange.go_on(data),
            None => Step::Refuse,
        };
        self.judge(key, step, now);
    }

    fn judge(&mut self, key: ConnectionKey, step: Step, now: Now) {
        let Some(party) = self.parties.get_mut(&key) else { return };
        match step {
            Step::Continue { data, exchange } => {
                party.exchange = Some(exchange);
                self.say(key, now, |session, out| session.challenge(&data, out));
            }
            Step::Accept { data, name } => match &party.standing {
                Standing::Outside { .. } => {
                    let outside = std::mem::replace(&mut party.standing, Standing::Inside(name));
                    let Standing::Outside { client_id, clean_start } = outside else { return };
                    let client_id = &*client_id;
                    let newcomer = Newcomer { client_id, clean_start, auth_data: Some(&data) };
                    self.admit(key, &newcomer, now);
                }
                // Nobody becomes somebody else on the way.
                Standing::Inside(before) if *before != name => self.turn_away(key, now),
                Standing::Inside(_) => {
                    self.say(key, now, |session, out| session.confirm(&data, out));
                }
            },
            Step::Refuse => self.turn_away(key, now),
        }
    }

    fn say(
        &mut self,
        key: ConnectionKey,
        now: Now,
        words: impl FnOnce(&mut mqtt::Session, &mut Vec<u8>) -> Result<(), Violation>,
    ) {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        match words(&mut connection.session, connection.output.buffer()) {
            Ok(()) => self.mark_dirty(key),
            Err(violation) => self.violated(key, violation, now),
        }
    }

    /// A client has not proved who it is.
    //= mqtt-v5 MQTT-4.12.0-4, MQTT-4.12.1-2
    fn turn_away(&mut self, key: ConnectionKey, now: Now) {
        self.common.meter.count(Event::AuthenticationRefused);
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        if !connection.session.is_connected() {
            return self.refuse(key, Reason::NotAuthorized, now);
        }
        connection.session.close(Reason::NotAuthorized, connection.output.buffer());
        self.end(key, now);
    }

    /// A connection is over.
    pub(super) fn forget_party(&mut self, key: ConnectionKey) {
        if !self.parties.is_empty() {
            self.parties.remove(&key);
        }
    }
}
