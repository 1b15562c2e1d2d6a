//! The demo world through the recognisers: what its devices say must arrive as it was meant.

use std::collections::{BTreeMap, BTreeSet};

use dialect::{Context, Outcome, Recognizer, Zone};
use field::world::{Device, Link, Parcel, World};
use model::{Message, Qos, Timestamp, TopicName, Unit};

/// A Thursday in October, 10:00 UTC: everyone is at work, and nobody listed below is silent.
const NOW: Timestamp = Timestamp::from_millis(1_760_608_800_000);

/// Counts: their dialect has no units, and no name gives this one away.
const WITHOUT_UNIT: [&str; 3] = ["bottles_today", "cartons_today", "rejects_today"];

/// Handle and signal of what was understood, with its unit.
type Understood = BTreeMap<(String, String), Option<&'static str>>;

fn read(recognizer: &mut Recognizer, link: &Link, parcels: &[Parcel]) -> Understood {
    let (zone, mut out, mut understood) = (Zone::default(), Outcome::new(), Understood::new());
    let context = Context { zone: &zone, credential_is_device: false, bridged: false };
    for parcel in parcels {
        let message = Message {
            received_at: NOW,
            client: &link.client_id,
            credential: None,
            topic: TopicName::parse(&parcel.topic).unwrap(),
            payload: parcel.payload.as_bytes(),
            properties: &[],
            qos: Qos::AtLeastOnce,
            retain: false,
        };
        recognizer.read(&message, &context, &mut out);
        assert_eq!(out.reading_count(), parcel.readings, "{parcel:?}: {:?}", out.notes());
        assert!(out.notes().is_empty(), "{parcel:?}: {:?}", out.notes());
        for group in out.groups() {
            let handle = group.key().split_once(':').unwrap().1.to_owned();
            understood.extend(group.readings().map(|reading| {
                ((handle.clone(), reading.name.to_owned()), reading.unit.map(Unit::code))
            }));
        }
    }
    understood
}

fn handle(link: &Link, device: &Device) -> String {
    let behind_gateway = link.devices.len() > 1;
    if behind_gateway { format!("{}/{}", link.client_id, device.name) } else { device.name.clone() }
}

#[test]
fn every_signal_of_the_demo_arrives_under_its_name_with_its_unit() {
    let world = World::new(1, NOW.saturating_sub(std::time::Duration::from_secs(86_400)), 0);
    let mut recognizer = Recognizer::new();
    let (mut devices, mut without) = (0, BTreeSet::new());
    for link in world.links() {
        for device in &world.devices()[link.devices.clone()] {
            let handle = handle(link, device);
            let samples = world.samples(device, NOW);
            let meant: Understood = samples
                .iter()
                .map(|sample| {
                    let unit =
                        Unit::from_senml(sample.unit).or_else(|| Unit::from_alias(sample.unit));
                    ((handle.clone(), sample.name.to_owned()), unit.map(Unit::code))
                })
                .collect();
            let live = read(&mut recognizer, link, &world.live(device, NOW));
            let kept: Vec<Parcel> = world.past(device, [NOW].into_iter()).collect();
            let past = read(&mut recognizer, link, &kept);
            assert_eq!(live, past, "{handle} says the same live and from its memory");
            assert!(live.keys().eq(meant.keys()), "{handle}: {live:?} for {meant:?}");
            for ((_, signal), unit) in &meant {
                let understood = live[&(handle.clone(), signal.clone())];
                if understood != *unit {
                    without.insert(signal.clone());
                }
            }
            devices += 1;
        }
    }
    assert_eq!(devices, 60);
    assert_eq!(without.iter().map(String::as_str).collect::<Vec<_>>(), WITHOUT_UNIT);
}
