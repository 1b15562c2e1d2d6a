//! Who is let in at a listener: so many at once, so many a second, and of one address likewise.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Event, Moment};

use crate::Limits;
use crate::pace::{Pace, wait};

/// Addresses without a connection that are remembered for their rate. Those with connections are
/// as many as connections at most.
const IDLE_ADDRESSES_MAX: usize = 65_536;

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    TooFast,
    Address,
}

impl Refusal {
    pub(crate) const fn event(self) -> Event {
        match self {
            Self::Full => Event::ConnectionRefused,
            Self::TooFast => Event::RateRefused,
            Self::Address => Event::AddressRefused,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Gate {
    connections: AtomicUsize,
    /// Up to when the rate of the listener is paid for.
    paid: AtomicU64,
    /// Empty unless the listener has limits for addresses.
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct Addresses {
    by_site: BTreeMap<u128, Address>,
    /// Those without a connection.
    idle: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Address {
    connections: u32,
    paid: u64,
}

impl Gate {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Lets one more in, if there is room. Whoever was let in has to `leave`.
    pub(crate) fn enter(&self, limits: &Limits, now: Moment) -> Result<(), Refusal> {
        if self.connections.fetch_add(1, Ordering::Relaxed) >= limits.connections_max {
            self.leave();
            return Err(Refusal::Full);
        }
        let Some(pace) = limits.connect_rate.map(Pace) else { return Ok(()) };
        let pay = |paid| pace.admit(paid, now);
        let paid = self.paid.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay);
        paid.map(|_before| ()).map_err(|_ahead| {
            self.leave();
            Refusal::TooFast
        })
    }

    /// For one in whose favour another one goes.
    pub(crate) fn enter_anyway(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// The same for the address of one who was let in.
    pub(crate) fn enter_from(
        &self,
        limits: &Limits,
        address: IpAddr,
        now: Moment,
    ) -> Result<(), Refusal> {
        if !has_address_limits(limits) {
            return Ok(());
        }
        let most = limits.connections_per_address.map_or(u32::MAX, |most| most.get());
        let mut addresses = self.addresses();
        addresses.make_room(now);
        let site = site_of(address);
        let mut known = addresses.by_site.get(&site).copied();
        let was_idle = known.is_some_and(|known| known.connections == 0);
        let entering = known.get_or_insert_default();
        if entering.connections >= most {
            return Err(Refusal::Address);
        }
        if let Some(pace) = limits.connect_rate_per_address.map(Pace) {
            entering.paid = pace.admit(entering.paid, now).ok_or(Refusal::Address)?;
        }
        entering.connections += 1;
        addresses.by_site.insert(site, *entering);
        addresses.idle -= usize::from(was_idle);
        Ok(())
    }

    pub(crate) fn leave_from(&self, limits: &Limits, address: IpAddr, now: Moment) {
        if !has_address_limits(limits) {
            return;
        }
        let site = site_of(address);
        let mut addresses = self.addresses();
        let Some(known) = addresses.by_site.get_mut(&site) else { return };
        known.connections = known.connections.saturating_sub(1);
        match (known.connections, known.paid <= now.micros()) {
            (0, true) => drop(addresses.by_site.remove(&site)),
            (0, false) => addresses.idle += 1,
            _ => {}
        }
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        // Counters are whole after every step.
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn has_address_limits(limits: &Limits) -> bool {
    limits.connections_per_address.is_some() || limits.connect_rate_per_address.is_some()
}

impl Addresses {
    /// Forgets addresses that have no connection: first those that may connect at once, and if a
    /// flood of addresses is still ahead of its rate, all.
    fn make_room(&mut self, now: Moment) {
        if self.idle < IDLE_ADDRESSES_MAX {
            return;
        }
        let idle = |address: &Address| address.connections == 0;
        self.by_site.retain(|_, address| !idle(address) || wait(address.paid, now) > 0);
        self.idle = self.by_site.values().filter(|address| idle(address)).count();
        if self.idle >= IDLE_ADDRESSES_MAX / 2 {
            self.by_site.retain(|_, address| !idle(address));
            self.idle = 0;
        }
    }
}

/// Whom an address belongs to: an IPv6 network of 64 bits is one subscriber's, who has all of its
/// addresses.
fn site_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn limits() -> Limits {
        Limits {
            connections_max: 3,
            connections_per_address: NonZeroU32::new(2),
            connect_rate_per_address: NonZeroU32::new(100),
            ..Limits::default()
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_listener_is_full_until_somebody_leaves() {
        let gate = Gate::default();
        for _ in 0..3 {
            gate.enter(&limits(), Moment::START).unwrap();
        }
        assert_eq!(gate.enter(&limits(), Moment::START), Err(Refusal::Full));
        gate.leave();
        gate.enter(&limits(), Moment::START).unwrap();
    }

    #[test]
    fn an_address_has_its_own_number_and_an_ipv6_network_is_one() {
        let gate = Gate::default();
        for address in ["192.0.2.1", "::ffff:192.0.2.1"] {
            gate.enter_from(&limits(), ip(address), Moment::START).unwrap();
        }
        let more = gate.enter_from(&limits(), ip("192.0.2.1"), Moment::START);
        assert_eq!(more, Err(Refusal::Address));
        for address in ["192.0.2.2", "2001:db8::1", "2001:db8::2"] {
            gate.enter_from(&limits(), ip(address), Moment::START).unwrap();
        }
        let more = gate.enter_from(&limits(), ip("2001:db8:0:0:ffff::3"), Moment::START);
        assert_eq!(more, Err(Refusal::Address));
        gate.leave_from(&limits(), ip("192.0.2.1"), Moment::START);
        gate.enter_from(&limits(), ip("192.0.2.1"), Moment::START).unwrap();
    }

    #[test]
    fn a_rate_holds_also_for_who_leaves_at_once() {
        let gate = Gate::default();
        let fast = |_: &u32| {
            let entered = gate.enter_from(&limits(), ip("192.0.2.1"), Moment::START).is_ok();
            if entered {
                gate.leave_from(&limits(), ip("192.0.2.1"), Moment::START);
            }
            entered
        };
        assert_eq!((0..1_000).filter(fast).count(), 100);
        let slow = Limits { connect_rate: NonZeroU32::new(2), ..Limits::default() };
        let entered = (0..9).filter(|_| gate.enter(&slow, Moment::START).is_ok()).count();
        assert_eq!((entered, gate.connections()), (2, 2));
        let later = Moment::START.saturating_add(Duration::from_secs(1));
        gate.enter(&slow, later).unwrap();
    }

    #[test]
    fn a_flood_of_addresses_is_forgotten() {
        let gate = Gate::default();
        for number in 0..200_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            let now = Moment::START.saturating_add(Duration::from_micros(number.into()));
            gate.enter_from(&limits(), address, now).unwrap();
            gate.leave_from(&limits(), address, now);
        }
        assert!(gate.addresses().by_site.len() <= IDLE_ADDRESSES_MAX);
    }
}
