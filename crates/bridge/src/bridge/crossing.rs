//! How one message crosses.

use model::{Event, Qos, TopicName};
use mqtt::{Ack, Outgoing, PropertiesBuf, Property, Publish, Reason};

use super::{Bridge, OUTBOX_BYTES_MAX, PASSING_MAX};
use crate::Cause;
use crate::end::Side;
use crate::pipe::{Origin, Seen};

/// The user property in which a message carries the sites it passed.
const VIA: &str = "althing-via";
/// Sites that a message passes at most. Each adds 32 bytes to it: 512 bytes.
const HOPS_MAX: usize = 16;

impl Bridge {
    pub(super) fn on_publish(&mut self, side: Side, publish: &Publish<'_>) -> Result<(), Cause> {
        let Some(packet_id) = publish.packet_id else {
            self.pass_unacknowledged(side, publish);
            return Ok(());
        };
        if publish.qos == Qos::ExactlyOnce {
            return Err(Cause::Unexpected(mqtt::Kind::Publish));
        }
        let origin = Origin::of(publish, packet_id, self.end(side).epoch);
        match self.pipe_mut(side).look(origin, publish.dup) {
            Seen::Passing => return Ok(()),
            Seen::Settled => {
                self.end_mut(side).acknowledge(packet_id);
                return Ok(());
            }
            Seen::Never => {}
        }
        // The site keeps to our window; what it repeats does not count twice. Another broker that
        // does not is left unread: whoever hangs up hears the same again.
        if side == Side::Site && self.pipe(side).len() >= PASSING_MAX {
            return Err(Cause::Window);
        }
        match self.translate(side, publish) {
            Ok((bytes, id_at)) => self.pipe_mut(side).push(origin, bytes, id_at),
            Err(why) => {
                self.meter.count(why);
                self.end_mut(side).acknowledge(packet_id);
            }
        }
        Ok(())
    }

    /// QoS 0 waits for nobody.
    fn pass_unacknowledged(&mut self, side: Side, publish: &Publish<'_>) {
        let target = side.other();
        let passed = match self.translate(side, publish) {
            Ok(_) if !self.is_up(target) => Event::BridgeUnheard,
            Ok((bytes, _)) if bytes.len() > self.end(target).packet_bytes_max as usize => {
                Event::BridgeTooLarge
            }
            Ok((bytes, _)) => {
                self.end_mut(target).out().extend_from_slice(&bytes);
                passed_from(side)
            }
            Err(why) => why,
        };
        self.meter.count(passed);
    }

    /// The packet for the other side, without its id.
    ///
    /// # Errors
    /// Why the message does not cross.
    fn translate(
        &self,
        side: Side,
        publish: &Publish<'_>,
    ) -> Result<(Vec<u8>, Option<usize>), Event> {
        let name = TopicName::parse(publish.topic).map_err(|_nameless| Event::BridgeUnmapped)?;
        let route = self.mapping(side).route(name).ok_or(Event::BridgeUnmapped)?;
        let topic = route.map(publish.topic).ok_or(Event::BridgeUnmapped)?;
        let sites = publish.properties.all().user().filter(|(name, _)| *name == VIA);
        let before = sites.map(|(_, site)| site).take(HOPS_MAX).collect::<Vec<_>>();
        if before.len() == HOPS_MAX || before.contains(&&*self.identity) {
            return Err(Event::BridgeLooped);
        }
        let mut scratch = Vec::new();
        let mut properties = publish.properties.travelling(&mut scratch).to_vec();
        let mut own = PropertiesBuf::default();
        own.push(Property::User(VIA, &self.identity)).map_err(|_long| Event::BridgeTooLarge)?;
        properties.extend_from_slice(own.as_properties().as_bytes());
        let outgoing = Outgoing {
            qos: publish.qos,
            retain: publish.retain && route.retains(),
            topic: &topic,
            subscription_ids: &[],
            properties: &properties,
            expiry_left: None,
            payload: publish.payload,
        };
        let mut bytes = Vec::new();
        let version = self.end(side.other()).hello.version;
        let id_at = outgoing.encode(version, &mut bytes).map_err(|_long| Event::BridgeTooLarge)?;
        Ok((bytes, id_at))
    }

    //= mqtt-v5 MQTT-4.3.2-4
    pub(super) fn on_puback(&mut self, side: Side, ack: &Ack<'_>) -> Result<(), Cause> {
        let from = side.other();
        if matches!(ack.reason, Reason::QuotaExceeded | Reason::PacketIdInUse) {
            return Err(Cause::Busy(ack.reason));
        }
        let Some(origin) = self.pipe_mut(from).answered(ack.packet_id) else { return Ok(()) };
        let refused = ack.reason.is_failure();
        self.meter.count(if refused { Event::BridgeRefused } else { passed_from(from) });
        self.settle(from, origin);
        Ok(())
    }

    /// The source need not keep a message any longer.
    fn settle(&mut self, from: Side, origin: Option<Origin>) {
        let Some(origin) = origin else { return };
        let end = self.end_mut(from);
        if end.is_up() && end.epoch == origin.epoch {
            end.acknowledge(origin.packet_id);
        } else {
            self.pipe_mut(from).settle_later(origin);
        }
    }

    /// Says what waits, as far as the other side lets us.
    pub(super) fn pump(&mut self, from: Side) {
        let target = from.other();
        while self.is_up(target) && self.outbox(target).len() < OUTBOX_BYTES_MAX {
            let end = self.end(target);
            let (window, most) = (usize::from(end.window), end.packet_bytes_max as usize);
            let Some(due) = self.pipe(from).due() else { return };
            if self.pipe(from).in_flight() >= window {
                return;
            }
            if due.bytes() > most {
                self.meter.count(Event::BridgeTooLarge);
                let origin = self.pipe_mut(from).drop_due();
                self.settle(from, origin);
                continue;
            }
            let known = due.packet_id;
            let (end, pipe) = self.ends_of(from);
            let packet_id = known.unwrap_or_else(|| end.free_id(|id| pipe.uses(id)));
            pipe.send(packet_id, end.out());
        }
    }
}

const fn passed_from(side: Side) -> Event {
    match side {
        Side::Site => Event::BridgeSent,
        Side::Remote => Event::BridgeReceived,
    }
}
