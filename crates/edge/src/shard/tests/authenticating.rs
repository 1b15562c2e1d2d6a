//! Clients that prove who they are.

use model::Event;
use mqtt::{Auth, PropertiesBuf, Property};
use scram::{Credentials, METHOD, Nonce, Secret};

use super::*;
use crate::authentication::{Exchange, Method, Passwords, Scram, Step};

/// One who believes whoever says the word, at once or when asked.
#[derive(Debug)]
struct Motto;

impl Method for Motto {
    fn name(&self) -> &'static str {
        "MOTTO"
    }

    fn begin(&self, data: &[u8]) -> Step {
        match data {
            b"" => Step::Continue { data: b"the word?".to_vec(), exchange: Box::new(Self) },
            said => Box::new(Self).go_on(said),
        }
    }
}

impl Exchange for Motto {
    fn go_on(self: Box<Self>, data: &[u8]) -> Step {
        match data.strip_prefix(b"I am ") {
            Some(name) => {
                let name = String::from_utf8_lossy(name).into();
                Step::Accept { data: b"welcome".to_vec(), name }
            }
            None => Step::Refuse,
        }
    }
}

/// What a site may know of passwords.
#[derive(Debug)]
struct Plain;

impl Passwords for Plain {
    fn check(&self, name: &str, password: &[u8]) -> bool {
        matches!((name, password), ("anna", b"pencil"))
    }
}

/// A site that knows `anna` and `bo` by their passwords, and lets in nobody else.
pub(super) fn guarded(shards: u16) -> World {
    let mut world = World::with(shards, |limits| limits.anonymous = false);
    let line =
        |name: &str, password: &str| format!("{name}:{}\n", Secret::of(password, [9; 16]).unwrap());
    let text = line("anna", "pencil") + &line("bo", "brush");
    let scram: Arc<dyn Method> = Arc::new(Scram::new(Credentials::parse(&text, [7; 32]).unwrap()));
    let methods = Methods::new([scram, Arc::new(Motto)]).with_passwords(Arc::new(Plain));
    for shard in &mut world.shards {
        shard.common.methods = methods.clone();
    }
    world
}

fn proof(method: &str, data: &[u8]) -> PropertiesBuf {
    let mut buf = PropertiesBuf::default();
    buf.push(Property::AuthMethod(method)).unwrap();
    if !data.is_empty() {
        buf.push(Property::AuthData(data)).unwrap();
    }
    buf
}

/// Of the two ends of SCRAM, that of a client.
pub(super) fn scram(name: &str, password: &str) -> scram::Client {
    scram::Client::new(name, password, Nonce::of([3; 18])).unwrap()
}

impl World {
    fn comes(&mut self, client_id: &str, method: &str, data: &[u8]) -> At {
        let buf = proof(method, data);
        self.connect(&Connect { properties: buf.as_properties(), ..client(client_id) })
    }

    pub(super) fn auth(&mut self, at: At, (reason, method): (Reason, &str), data: &[u8]) {
        let buf = proof(method, data);
        self.send(at, &Packet::Auth(Auth { reason, properties: buf.as_properties() }));
    }

    /// The last packet that a client was sent, with its method and data.
    fn told(&mut self, at: At) -> (String, Vec<u8>) {
        let bytes = self.shards[at.shard].take_output(at.key, usize::MAX).unwrap();
        let mut rest = &bytes[..];
        let mut told = (String::new(), Vec::new());
        while let Some((packet, length)) = decode(rest, Version::V5, 1 << 20).unwrap() {
            rest = &rest[length..];
            let mut text = describe(&packet);
            let mut properties = Properties::NONE;
            if let Packet::ConnAck(it) = packet {
                properties = it.properties;
            } else if let Packet::Auth(it) = packet {
                properties = it.properties;
                text = format!("{text} {:?}", it.reason);
            }
            let (method, data) = properties.authentication().unwrap_or_default();
            told = (format!("{text} {method}"), data.to_vec());
        }
        told
    }

    /// Comes with a name and a password, and says how it was received.
    pub(super) fn logs_in(&mut self, client_id: &str, name: &str, password: &str) -> (At, String) {
        let mut scram = scram(name, password);
        let at = self.comes(client_id, METHOD, &scram.first());
        let (told, question) = self.told(at);
        assert_eq!(told, "Auth ContinueAuthentication SCRAM-SHA-256");
        let proof = scram.prove(&question).unwrap();
        self.auth(at, (Reason::ContinueAuthentication, METHOD), &proof);
        let (told, last) = self.told(at);
        if told.contains("Success") {
            scram.trust(&last).unwrap();
        }
        (at, told)
    }

    /// Proves again who it is, and says how that went.
    fn logs_in_again(&mut self, at: At, name: &str, password: &str) -> String {
        let mut scram = scram(name, password);
        self.auth(at, (Reason::ReAuthenticate, METHOD), &scram.first());
        let (told, question) = self.told(at);
        assert_eq!(told, "Auth ContinueAuthentication SCRAM-SHA-256");
        // Meanwhile all goes on.
        self.publish(at, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
        self.commit();
        self.check(at, &expect!["PubAck 7"]);
        let proof = scram.prove(&question).unwrap();
        self.auth(at, (Reason::ContinueAuthentication, METHOD), &proof);
        let (told, last) = self.told(at);
        if told.starts_with("Auth Success") {
            scram.trust(&last).unwrap();
        }
        told
    }

    fn claims(&mut self, name: &str, password: &[u8]) -> At {
        let (user_name, password) = (Some(name), Some(password));
        self.connect(&Connect { user_name, password, ..client("pump-1") })
    }

    /// Judges the claims that there are; says how many.
    fn judges(&mut self, busy: bool) -> usize {
        let mut count = 0;
        let now = self.now;
        while let Some(claim) = self.shards[0].next_claim() {
            let verdict = match Plain.check(&claim.name, &claim.password) {
                _ if busy => Verdict::Busy,
                true => Verdict::Holds,
                false => Verdict::Fails,
            };
            self.shards[0].judged(&claim, verdict, now);
            count += 1;
        }
        count
    }

    fn parties(&self) -> usize {
        self.shards.iter().map(|shard| shard.parties.len()).sum()
    }

    fn sessions(&self) -> usize {
        self.shards.iter().map(|shard| shard.sessions.len()).sum()
    }

    fn refused(&self) -> u64 {
        self.shards[0].common.meter.total(Event::AuthenticationRefused)
    }
}

const IN: &str = "CONNACK Success present=false SCRAM-SHA-256";
const OUT: &str = "CONNACK NotAuthorized present=false ";

//= mqtt-v5 MQTT-4.12.0-2, MQTT-4.12.0-5 test
#[test]
fn who_knows_the_password_is_let_in_on_the_shard_where_it_lives() {
    let mut world = guarded(2);
    for client_id in ["pump-1", "pump-2", "pump-3", ""] {
        let (at, told) = world.logs_in(client_id, "anna", "pencil");
        assert_eq!(told, IN, "{client_id}");
        world.publish(at, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
        world.commit();
        world.check(at, &expect!["PubAck 7"]);
    }
    assert_eq!((world.sessions(), world.parties(), world.refused()), (4, 4, 0));
}

//= mqtt-v5 MQTT-3.1.4-2, MQTT-4.12.0-1, MQTT-4.12.0-4 test
#[test]
fn nobody_else_is_let_in() {
    let mut world = guarded(1);
    for (name, password) in [("anna", "brush"), ("bo", "pencil"), ("carl", "pencil")] {
        let (_, told) = world.logs_in("pump-1", name, password);
        assert_eq!(told, OUT, "{name} {password}");
    }
    let other = world.comes("pump-1", "PLAIN", b"\0anna\0pencil");
    world.check(other, &expect!["CONNACK BadAuthMethod present=false"]);
    let silent = world.connect(&Connect { user_name: Some("anna"), ..client("pump-1") });
    world.check(silent, &expect!["CONNACK NotAuthorized present=false"]);
    let nonsense = world.comes("pump-1", METHOD, b"let me in");
    world.check(nonsense, &expect!["CONNACK NotAuthorized present=false"]);
    assert_eq!((world.sessions(), world.parties(), world.refused()), (0, 0, 5));
    let mut open = World::new(1);
    let named = open.comes("pump-1", METHOD, b"n,,n=anna,r=abc");
    open.check(named, &expect!["CONNACK BadAuthMethod present=false"]);
}

#[test]
fn who_may_come_without_a_name_may_also_prove_one() {
    let mut world = guarded(1);
    for shard in &mut world.shards {
        shard.common.limits.anonymous = true;
    }
    let anna = world.connect(&client("anna"));
    world.check(anna, &expect!["CONNACK Success present=false"]);
    assert_eq!(world.logs_in("bo", "bo", "brush").1, IN);
    assert_eq!(world.logs_in("bo", "bo", "pencil").1, OUT);
}

/// A stranger who knows a client's id neither ends its connection nor touches what waits for it.
#[test]
fn nothing_is_taken_over_before_the_proof() {
    let mut world = guarded(1);
    let (pump, _) = world.logs_in("pump-1", "anna", "pencil");
    world.subscribe(pump, "farm/#", Qos::AtLeastOnce);
    world.heard(pump);
    assert_eq!(world.logs_in("pump-1", "anna", "wrong").1, OUT);
    let half = world.comes("pump-1", METHOD, &scram("anna", "wrong").first());
    let (bo, _) = world.logs_in("bo", "bo", "brush");
    world.publish(bo, "farm/t", "21.5", (Qos::AtMostOnce, 0));
    world.check(pump, &expect!["PUBLISH farm/t 21.5 AtMostOnce"]);
    world.lose(half);
    world.publish(bo, "farm/t", "22", (Qos::AtMostOnce, 0));
    world.check(pump, &expect!["PUBLISH farm/t 22 AtMostOnce"]);
    assert_eq!((world.sessions(), world.parties()), (2, 2));
}

#[test]
fn an_exchange_is_an_unfinished_connect() {
    let mut world = guarded(1);
    let first = scram("anna", "pencil").first();
    let slow = world.comes("pump-1", METHOD, &first);
    world.later(9);
    assert!(!world.shards[0].is_finished(slow.key));
    world.told(slow);
    world.later(2);
    assert!(world.shards[0].is_finished(slow.key), "closed without a word");
    assert_eq!((world.sessions(), world.parties()), (0, 0));

    let left = world.comes("pump-1", METHOD, &first);
    world.told(left);
    world.send(left, &Packet::Disconnect(mqtt::Disconnect::new(Reason::Success)));
    assert!(world.shards[0].is_finished(left.key));
    let hasty = world.comes("pump-1", METHOD, &first);
    world.told(hasty);
    world.publish(hasty, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
    world.check(hasty, &expect!["CONNACK ProtocolError present=false"]);
    assert_eq!((world.sessions(), world.parties(), world.recorded()), (0, 0, 0));

    let waiting = world.comes("pump-1", METHOD, &first);
    world.told(waiting);
    let now = world.now;
    world.shards[0].shut_down(None, now);
    world.check(waiting, &expect!["CONNACK ServerUnavailable present=false"]);
}

//= mqtt-v5 MQTT-4.12.1-2 test
#[test]
fn a_client_proves_again_who_it_is_or_goes() {
    let mut world = guarded(1);
    let (anna, _) = world.logs_in("pump-1", "anna", "pencil");
    for _ in 0..2 {
        assert_eq!(world.logs_in_again(anna, "anna", "pencil"), "Auth Success SCRAM-SHA-256");
    }
    assert_eq!(world.logs_in_again(anna, "anna", "wrong"), "DISCONNECT NotAuthorized ");
    let (anna, _) = world.logs_in("pump-1", "anna", "pencil");
    let told = world.logs_in_again(anna, "bo", "brush");
    assert_eq!(told, "DISCONNECT NotAuthorized ", "nobody becomes somebody else");
    let (anna, _) = world.logs_in("pump-1", "anna", "pencil");
    world.auth(anna, (Reason::ReAuthenticate, "MOTTO"), b"I am anna");
    world.check(anna, &expect!["DISCONNECT ProtocolError"]);
    assert_eq!((world.parties(), world.refused()), (0, 2));
}

#[test]
fn a_method_may_be_done_at_once() {
    let mut world = guarded(1);
    let anna = world.comes("pump-1", "MOTTO", b"I am anna");
    let welcome = b"welcome".to_vec();
    assert_eq!(
        world.told(anna),
        ("CONNACK Success present=false MOTTO".to_owned(), welcome.clone())
    );
    world.auth(anna, (Reason::ReAuthenticate, "MOTTO"), b"I am anna");
    assert_eq!(world.told(anna), ("Auth Success MOTTO".to_owned(), welcome));
    let bo = world.comes("pump-2", "MOTTO", b"");
    assert_eq!(world.told(bo).1, b"the word?");
    world.auth(bo, (Reason::ContinueAuthentication, "MOTTO"), b"xyzzy");
    world.check(bo, &expect!["CONNACK NotAuthorized present=false"]);
}

#[test]
fn a_client_that_is_taken_over_is_forgotten() {
    let mut world = guarded(1);
    let (old, _) = world.logs_in("pump-1", "anna", "pencil");
    let (_, told) = world.logs_in("pump-1", "anna", "pencil");
    assert_eq!(told, IN);
    world.check(old, &expect!["DISCONNECT SessionTakenOver"]);
    assert_eq!((world.sessions(), world.parties()), (1, 1));
}

#[test]
fn other_credentials_hold_at_once() {
    let scram = Scram::new(Credentials::parse("", [7; 32]).unwrap());
    let knows = |scram: &Scram, password: &str| {
        let mut client = self::scram("anna", password);
        let Step::Continue { data, exchange } = scram.begin(&client.first()) else {
            panic!("asked for a proof")
        };
        let proof = client.prove(&data).unwrap();
        matches!(exchange.go_on(&proof), Step::Accept { .. })
    };
    assert!(!knows(&scram, "pencil"));
    let line = format!("anna:{}", Secret::of("pencil", [9; 16]).unwrap());
    scram.replace(Credentials::parse(&line, [7; 32]).unwrap());
    assert!(knows(&scram, "pencil") && !knows(&scram, "brush"));
}

//= mqtt-v5 MQTT-3.1.4-2 test
#[test]
fn a_password_is_checked_elsewhere_and_what_follows_it_waits() {
    let mut world = guarded(1);
    let anna = world.claims("anna", b"pencil");
    world.publish(anna, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
    assert_eq!(world.shards[0].read_bytes_max(anna.key), 0, "it is not read");
    assert_eq!((world.heard(anna).len(), world.sessions(), world.recorded()), (0, 0, 0));
    assert_eq!(world.judges(false), 1);
    world.commit();
    world.check(
        anna,
        &expect![[r"
        CONNACK Success present=false
        PubAck 7"]],
    );
    assert!(world.shards[0].read_bytes_max(anna.key) > 0);
    let wrong = world.claims("anna", b"brush");
    world.publish(wrong, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
    world.judges(false);
    world.check(wrong, &expect!["CONNACK BadCredentials present=false"]);
    let late = world.claims("anna", b"pencil");
    world.judges(true);
    world.check(late, &expect!["CONNACK ServerBusy present=false"]);
    let long = world.claims(&"n".repeat(257), b"pencil");
    world.check(long, &expect!["CONNACK BadCredentials present=false"]);
    assert_eq!((world.sessions(), world.recorded(), world.refused()), (1, 1, 2));
}

#[test]
fn a_verdict_on_who_has_left_is_about_nobody() {
    let mut world = guarded(1);
    let gone = world.claims("anna", b"pencil");
    let claim = world.shards[0].next_claim().unwrap();
    world.lose(gone);
    world.shards[0].release(gone.key);
    let next = world.claims("anna", b"brush");
    assert_eq!(next.key, gone.key, "the slot has another tenant");
    let now = world.now;
    world.shards[0].judged(&claim, Verdict::Holds, now);
    assert_eq!((world.heard(next).len(), world.sessions()), (0, 0));
    world.judges(false);
    world.check(next, &expect!["CONNACK BadCredentials present=false"]);
}
