//! SCRAM-SHA-256 over the AUTH packets of MQTT 5, as a client.

use mqtt::{Auth, ConnAck, PropertiesBuf, Property, Reason, TooLong};
use scram::{METHOD, Mistrust, Nonce};

use super::options::Login;
use crate::Fault;

/// One exchange of one connection.
pub(super) struct Proving {
    scram: scram::Client,
    name: Box<str>,
}

impl Proving {
    pub(super) fn begin(login: &Login) -> Result<Self, Fault> {
        let mut nonce = [0; 18];
        getrandom::fill(&mut nonce).map_err(Fault::Random)?;
        let scram = scram::Client::new(&login.name, &login.password, Nonce::of(nonce));
        Ok(Self { scram: scram.map_err(Fault::Login)?, name: login.name.as_str().into() })
    }

    /// What the CONNECT says.
    pub(super) fn first(&self) -> Result<PropertiesBuf, Fault> {
        Ok(with_method(&self.scram.first())?)
    }

    //= mqtt-v5 MQTT-4.12.0-3, MQTT-4.12.0-5
    pub(super) fn answer(&mut self, auth: &Auth<'_>) -> Result<Vec<u8>, Fault> {
        let question = auth.properties.authentication().filter(|(method, _)| *method == METHOD);
        let (_, question) = question.ok_or(Fault::Mistrust(Mistrust::Malformed))?;
        let proof = self.scram.prove(question).map_err(Fault::Mistrust)?;
        let block = with_method(&proof)?;
        let reason = Reason::ContinueAuthentication;
        let mut packet = Vec::new();
        Auth { reason, properties: block.as_properties() }.encode(&mut packet)?;
        Ok(packet)
    }

    /// A server that lets us in has to know the password too.
    pub(super) fn end(self, answer: &ConnAck<'_>) -> Result<(), Fault> {
        let last = answer.properties.authentication().map(|(_, data)| data);
        let last = last.filter(|data| !data.is_empty());
        let last = last.ok_or(Fault::Mistrust(Mistrust::Impostor))?;
        self.scram.trust(last).map_err(Fault::Mistrust)
    }

    pub(super) fn refused(&self) -> Fault {
        Fault::LoginRefused { name: self.name.clone() }
    }
}

fn with_method(data: &[u8]) -> Result<PropertiesBuf, TooLong> {
    let mut block = PropertiesBuf::default();
    block.push(Property::AuthMethod(METHOD))?.push(Property::AuthData(data))?;
    Ok(block)
}
