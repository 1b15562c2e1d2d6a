//! Enhanced authentication (MQTT 5, section 4.12): whose turn it is, and how much may be said. What
//! is said is between the client and the method that the shell has.

use super::opening::refusal;
use super::terms::AuthData;
use super::{
    Action, Kind, Moment, Packet, PropertiesBuf, Property, Reason, Session, State, TooLong,
    Version, Violation,
};
use crate::connect::Connect;
use crate::disconnect::Auth;

/// Bytes of the data of one packet. SCRAM says some hundred, a Kerberos ticket has some thousand.
const DATA_BYTES_MAX: usize = 4 << 10;

/// AUTH packets of a client in one exchange; SCRAM has one behind the CONNECT.
const STEPS_MAX: u8 = 8;

/// No method that is served has a longer name, so that a longer one need not be kept.
const NAME_BYTES_MAX: usize = 64;

/// The method that a client named in its CONNECT: it is that of the whole connection.
#[derive(Debug)]
pub(super) struct Method {
    name: Box<str>,
    /// The connection was: an exchange before the CONNACK has no more time than the CONNECT.
    opened: Moment,
    /// AUTH packets of the client in this exchange.
    steps: u8,
    /// In an open session: the client was asked and has to say more.
    asked: bool,
}

impl Method {
    /// The one that a CONNECT names.
    pub(super) fn of(
        connect: &Connect<'_>,
        opened: Moment,
    ) -> Result<Option<Box<Self>>, Violation> {
        let Some((name, data)) = connect.properties.authentication() else { return Ok(None) };
        if data.len() > DATA_BYTES_MAX {
            return Err(Violation::AuthTooMuch);
        }
        let kept = name.len() <= NAME_BYTES_MAX;
        let method = || Box::new(Self { name: name.into(), opened, steps: 0, asked: false });
        Ok(kept.then(method))
    }

    pub(super) fn opened(&self) -> Moment {
        self.opened
    }

    /// Takes the data of one AUTH.
    fn step<'p>(&mut self, auth: &Auth<'p>) -> Result<AuthData<'p>, Violation> {
        let said = auth.properties.authentication();
        //= mqtt-v5 MQTT-4.12.0-5
        let (_, data) =
            said.filter(|(name, _)| **name == *self.name).ok_or(Violation::AuthMethod)?;
        self.steps = self.steps.saturating_add(1);
        if data.len() > DATA_BYTES_MAX || self.steps > STEPS_MAX {
            return Err(Violation::AuthTooMuch);
        }
        Ok(AuthData(data))
    }
}

impl Session {
    pub(super) fn method(&self) -> Option<&Method> {
        self.extras.as_ref()?.method.as_deref()
    }

    fn method_mut(&mut self) -> Option<&mut Method> {
        self.extras.as_mut()?.method.as_deref_mut()
    }

    /// A packet of a client that has been asked who it is, before its CONNECT is answered.
    pub(super) fn on_unauthenticated<'p>(
        &mut self,
        packet: Packet<'p>,
    ) -> Result<Action<'p>, Violation> {
        match (packet, self.method_mut()) {
            (Packet::Auth(auth), Some(method)) => {
                if auth.reason != Reason::ContinueAuthentication {
                    return Err(Violation::AuthStep);
                }
                let data = method.step(&auth)?;
                self.state = State::AwaitAnswer;
                Ok(Action::Authenticate { again: false, data })
            }
            (Packet::Disconnect(disconnect), _) => {
                self.forget_client();
                self.state = State::Closed;
                Ok(Action::Disconnect { reason: disconnect.reason })
            }
            (other, _) => Err(Violation::Unauthenticated(other.kind())),
        }
    }

    /// AUTH in an open session: the client wants to be asked again, or goes on with that.
    pub(super) fn on_auth_again<'p>(&mut self, auth: &Auth<'p>) -> Result<Action<'p>, Violation> {
        let method = self.method_mut().ok_or(Violation::AuthMethod)?;
        let again = auth.reason == Reason::ReAuthenticate;
        if auth.reason == Reason::Success || again == method.asked {
            return Err(Violation::AuthStep);
        }
        if again {
            method.steps = 0;
        }
        let data = method.step(auth)?;
        method.asked = false;
        Ok(Action::Authenticate { again, data })
    }

    /// Asks the client for more, instead of an answer to its CONNECT or its AUTH.
    ///
    /// # Errors
    /// The client takes no packet of this size; the connection is over.
    ///
    /// # Panics
    /// Without a CONNECT or an AUTH to answer, or a method that the CONNECT named.
    //= mqtt-v5 MQTT-4.12.0-2
    pub fn challenge(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
        self.write_auth(Reason::ContinueAuthentication, data, out)?;
        match (self.state, self.method_mut()) {
            (State::AwaitAnswer, _) => self.state = State::Authenticating,
            (State::Connected, Some(method)) => method.asked = true,
            (state, _) => assert_eq!(state, State::AwaitAnswer, "a question follows one"),
        }
        Ok(())
    }

    /// The client of an open session has proved again who it is. One that has not is closed.
    ///
    /// # Errors
    /// The client takes no packet of this size; the connection is over.
    ///
    /// # Panics
    /// In a session that is not open, or whose CONNECT named no method.
    pub fn confirm(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
        assert_eq!(self.state, State::Connected, "only who is in can be asked again");
        self.write_auth(Reason::Success, data, out)
    }

    /// With the method and its data, and no texts that could make it too large.
    //= mqtt-v5 MQTT-3.1.2-24, MQTT-3.15.2-2, MQTT-3.15.2-3, MQTT-4.12.0-5, MQTT-4.12.0-6
    fn write_auth(
        &mut self,
        reason: Reason,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        assert!(self.method().is_some(), "only a client that named a method is asked");
        let mut block = PropertiesBuf::default();
        let named = self.offer_proof(Some(data), &mut block);
        self.answer(out, |out| {
            named?;
            Auth { reason, properties: block.as_properties() }.encode(out)
        })
    }

    /// Names the method and what it says last, if the client named one.
    //= mqtt-v5 MQTT-4.12.0-5, MQTT-4.12.0-6
    pub(super) fn offer_proof(
        &self,
        data: Option<&[u8]>,
        offer: &mut PropertiesBuf,
    ) -> Result<(), TooLong> {
        let Some(method) = self.method() else { return Ok(()) };
        offer.push(Property::AuthMethod(&method.name))?;
        if let Some(data) = data.filter(|data| !data.is_empty()) {
            offer.push(Property::AuthData(data))?;
        }
        Ok(())
    }

    /// The answer to a CONNECT whose client broke off. One that fell silent is told nothing.
    //= mqtt-v5 MQTT-4.13.1-1
    pub(super) fn refuse_authentication(&mut self, violation: Violation, out: &mut Vec<u8>) {
        if violation == Violation::ConnectTimeout {
            self.forget_client();
        } else {
            self.turn_away(violation.reason(), out);
        }
    }

    /// A CONNECT that waited for more has its answer.
    pub(super) fn turn_away(&mut self, reason: Reason, out: &mut Vec<u8>) {
        self.forget_client();
        refusal(Version::V5, reason.told_in(Kind::ConnAck), out);
    }
}
