//! Requests to one bucket. Each may wait: whoever asks has a thread for it.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use history::remote::{Created, ObjectFault, Objects, Stat};
use model::Timestamp;
use ureq::http;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body};

use crate::answer::{Answer, ERROR_BYTES_MAX, TRIES};
use crate::keys::Keys;
use crate::options::{Options, OptionsFault, SYSTEM_AUTHORITIES};
use crate::sign::{Request, encode, sign, stamp};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// Until a store begins to answer, and between two parts of what it sends or takes.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// For all of one try: 64 MiB at 1 MB/s take 64 seconds.
const TRY_TIME_MAX: Duration = Duration::from_secs(120);

/// Connections that wait for the next request.
const IDLE_MAX: usize = 4;

/// Bytes of an authorities file: that of a system has some 250 KB.
const AUTHORITIES_BYTES_MAX: u64 = 8 << 20;

const CHECKSUM: &str = "x-amz-checksum-crc32c";

/// What the clock on the wall says.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    #[must_use]
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Clock")
    }
}

#[derive(Debug)]
pub struct Client {
    agent: Agent,
    clock: Clock,
    scheme: Box<str>,
    host: String,
    /// Before the key, with a `/` at both ends.
    base: String,
    region: String,
    keys: Keys,
    name: String,
}

/// What is asked for, of one key.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'static str,
    key: &'a str,
    headers: &'a [(&'static str, String)],
    body: &'a [u8],
    /// Bytes of the answer that are read.
    limit: u64,
}

impl Client {
    /// Nothing is asked of the store yet.
    ///
    /// # Errors
    /// When the options are not as they must be, or the authorities cannot be read.
    pub fn new(options: &Options, clock: Clock) -> Result<Self, OptionsFault> {
        options.check()?;
        let fault = || OptionsFault::Endpoint(options.endpoint.as_str().into());
        let (scheme, host) = options.host().ok_or_else(fault)?;
        let Options { bucket, prefix, region, .. } = options;
        let own = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let (host, base) = if options.path_style {
            (host.to_owned(), format!("/{bucket}/{own}"))
        } else {
            (format!("{bucket}.{host}"), format!("/{own}"))
        };
        Ok(Self {
            agent: agent(options.authorities.as_deref(), scheme == "https")?,
            clock,
            scheme: scheme.into(),
            host,
            base,
            region: region.clone(),
            keys: options.keys.clone(),
            name: format!("s3://{bucket}/{prefix}").trim_end_matches('/').to_owned(),
        })
    }

    /// Tries until there is an answer that counts.
    fn ask(&self, ask: Ask<'_>) -> Result<Answer, ObjectFault> {
        let (begun, mut pause) = (self.clock.now(), TRIES.pause);
        let mut tries = 1;
        loop {
            let outcome = self.try_once(ask);
            let passing = outcome.as_ref().map_or(true, Answer::is_passing);
            let enough =
                tries >= TRIES.count_max || self.clock.now().since(begun) >= TRIES.time_max;
            if !passing || enough {
                return outcome.map_err(|source| ObjectFault::Away {
                    store: self.name.as_str().into(),
                    source: source.into(),
                });
            }
            tracing::debug!(key = ask.key, tries, ?outcome, "the store is asked again");
            std::thread::park_timeout(pause);
            pause *= 2;
            tries += 1;
        }
    }

    fn try_once(&self, ask: Ask<'_>) -> Result<Answer, ureq::Error> {
        let path = encode(&format!("{}{}", self.base, ask.key));
        let Ask { method, headers, body, .. } = ask;
        let request =
            Request { method, host: &self.host, path: &path, headers: headers.to_vec(), body };
        let stamp = stamp(self.clock.now().millis().div_euclid(1_000));
        let mut builder = http::Request::builder()
            .method(method)
            .uri(format!("{}://{}{path}", self.scheme, self.host));
        for (name, value) in sign(&request, (&self.keys, &self.region), &stamp) {
            builder = builder.header(name, value);
        }
        let response = if method == "PUT" {
            self.agent.run(builder.body(body)?)?
        } else {
            self.agent.run(builder.body(())?)?
        };
        read(response, ask.limit)
    }

    fn refused(&self, answer: &Answer) -> ObjectFault {
        let (store, code) = (self.name.as_str().into(), answer.code().into());
        ObjectFault::Refused { store, status: answer.status, code }
    }

    fn get(
        &self,
        key: &str,
        (headers, limit): (&[(&'static str, String)], u64),
    ) -> Result<Option<Answer>, ObjectFault> {
        let answer = self.ask(Ask { method: "GET", key, headers, body: &[], limit })?;
        if answer.is_missing() {
            return Ok(None);
        }
        if answer.is_good() { Ok(Some(answer)) } else { Err(self.refused(&answer)) }
    }
}

fn agent(authorities: Option<&Path>, is_tls: bool) -> Result<Agent, OptionsFault> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // A signature is for one host.
        .max_redirects(0)
        .max_idle_connections(IDLE_MAX)
        .max_idle_connections_per_host(IDLE_MAX)
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .timeout_recv_response(Some(SILENCE_MAX))
        .timeout_per_read(Some(SILENCE_MAX))
        .timeout_per_write(Some(SILENCE_MAX))
        .timeout_global(Some(TRY_TIME_MAX));
    if is_tls {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::Specific(Arc::new(certificates(authorities)?)));
        config = config.tls_config(tls.build());
    }
    Ok(config.build().into())
}

fn certificates(authorities: Option<&Path>) -> Result<Vec<Certificate<'static>>, OptionsFault> {
    let of_system = || SYSTEM_AUTHORITIES.iter().map(Path::new).find(|path| path.is_file());
    let path = authorities.or_else(of_system).ok_or(OptionsFault::NoAuthorities)?;
    let fault = || OptionsFault::Authorities { path: path.to_owned() };
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|_unread| fault())?;
    file.take(AUTHORITIES_BYTES_MAX).read_to_end(&mut text).map_err(|_unread| fault())?;
    let found: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(fault()) } else { Ok(found) }
}

fn read(mut response: http::Response<Body>, limit: u64) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let length = header("content-length").and_then(|text| text.parse().ok());
    let checksum = header(CHECKSUM);
    let is_good = matches!(status, 200..=299);
    let limit = if is_good { limit } else { ERROR_BYTES_MAX };
    let mut body = Vec::new();
    // Not more than was asked for, and no error where there is more.
    let reader = response.body_mut().with_config().limit(u64::MAX).reader();
    let outcome = reader.take(limit).read_to_end(&mut body);
    match outcome {
        Err(fault) if is_good => Err(ureq::Error::Io(fault)),
        Ok(_) | Err(_) => Ok(Answer { status, body, length, checksum }),
    }
}

impl Objects for Client {
    fn name(&self) -> &str {
        &self.name
    }

    fn create(&self, key: &str, bytes: &Bytes, crc32c: u32) -> Result<Created, ObjectFault> {
        let headers = [
            ("if-none-match", "*".to_owned()),
            (CHECKSUM, BASE64_STANDARD.encode(crc32c.to_be_bytes())),
        ];
        let ask =
            Ask { method: "PUT", key, headers: &headers, body: bytes, limit: ERROR_BYTES_MAX };
        let answer = self.ask(ask)?;
        match answer.status {
            200..=299 => Ok(Created::New),
            412 => Ok(Created::Exists),
            _ => Err(self.refused(&answer)),
        }
    }

    fn replace(&self, key: &str, bytes: &Bytes) -> Result<(), ObjectFault> {
        let ask = Ask { method: "PUT", key, headers: &[], body: bytes, limit: ERROR_BYTES_MAX };
        let answer = self.ask(ask)?;
        if answer.is_good() { Ok(()) } else { Err(self.refused(&answer)) }
    }

    fn read(&self, key: &str, limit: u64) -> Result<Option<Bytes>, ObjectFault> {
        Ok(self.get(key, (&[], limit))?.map(|answer| answer.body.into()))
    }

    fn read_at(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, ObjectFault> {
        let last = offset.saturating_add(length).saturating_sub(1);
        let range = [("range", format!("bytes={offset}-{last}"))];
        let missing = || ObjectFault::Missing { store: self.name.as_str().into(), key: key.into() };
        let answer = self.get(key, (&range, length))?.ok_or_else(missing)?;
        // Whoever sends all of an object does not know ranges.
        if answer.status == 206 { Ok(answer.body.into()) } else { Err(self.refused(&answer)) }
    }

    fn stat(&self, key: &str) -> Result<Option<Stat>, ObjectFault> {
        let headers = [("x-amz-checksum-mode", "ENABLED".to_owned())];
        let ask = Ask { method: "HEAD", key, headers: &headers, body: &[], limit: 0 };
        let answer = self.ask(ask)?;
        if answer.is_missing() {
            return Ok(None);
        }
        let Some(bytes) = answer.length.filter(|_| answer.is_good()) else {
            return Err(self.refused(&answer));
        };
        let decoded = answer.checksum.and_then(|text| BASE64_STANDARD.decode(text).ok());
        let crc32c = decoded.and_then(|all| Some(u32::from_be_bytes(all.try_into().ok()?)));
        Ok(Some(Stat { bytes, crc32c }))
    }

    fn remove(&self, key: &str) -> Result<(), ObjectFault> {
        let ask = Ask { method: "DELETE", key, headers: &[], body: &[], limit: ERROR_BYTES_MAX };
        let answer = self.ask(ask)?;
        if answer.is_good() || answer.is_missing() { Ok(()) } else { Err(self.refused(&answer)) }
    }
}

#[cfg(test)]
mod tests;
