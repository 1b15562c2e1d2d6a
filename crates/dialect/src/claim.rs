//! Who reads a message: the order of claims, all in one place. The first claim wins.

use model::Message;

use crate::json::{Item, JsonFault, Kind, Tape};
use crate::line;
use crate::note::Note;
use crate::senml;
use crate::thingsboard::{self, Route};

/// A payload, looked at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Empty,
    Json(Item<'a>),
    /// Text that is no JSON and does not try to be.
    Text(&'a str),
    /// Text that starts like JSON and is none.
    Broken(Note),
    /// No UTF-8.
    Bytes(&'a [u8]),
}

/// A dialect, and what its topic already told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    ThingsBoard(Route),
    SenmlJson,
    SenmlCbor,
    Line,
    Fallback,
}

impl<'a> Body<'a> {
    pub(crate) fn of(payload: &'a [u8], tape: &'a mut Tape) -> Self {
        let Ok(text) = std::str::from_utf8(payload) else { return Self::Bytes(payload) };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Self::Empty;
        }
        let like_json = text.starts_with(['{', '[']);
        match tape.parse(text) {
            Ok(item) => Self::Json(item),
            Err(JsonFault::TooDeep) if like_json => Self::Broken(Note::TooDeep),
            Err(JsonFault::Malformed) if like_json => Self::Broken(Note::Malformed),
            Err(_) => Self::Text(text),
        }
    }

    pub(crate) fn json(self) -> Option<Item<'a>> {
        match self {
            Self::Json(item) => Some(item),
            Self::Empty | Self::Text(_) | Self::Broken(_) | Self::Bytes(_) => None,
        }
    }

    pub(crate) fn object(self) -> Option<Item<'a>> {
        self.json().filter(|item| item.kind() == Kind::Object)
    }
}

impl Claim {
    /// 1. reserved topics; 2. descriptions and topics learned from them; 3. forms of the payload;
    /// 4. the fallback, which reads whatever is left.
    pub(crate) fn on(message: &Message<'_>, body: Body<'_>) -> Self {
        if let Some(route) = thingsboard::route(message.topic.as_str()) {
            return Self::ThingsBoard(route);
        }
        match body {
            Body::Json(item) if senml::is_pack(item) => Self::SenmlJson,
            Body::Bytes(bytes) if senml::is_cbor_pack(bytes) => Self::SenmlCbor,
            Body::Text(text) if line::starts_with_point(text) => Self::Line,
            Body::Empty | Body::Json(_) | Body::Text(_) | Body::Broken(_) | Body::Bytes(_) => {
                Self::Fallback
            }
        }
    }

    pub(crate) fn dialect(self) -> &'static str {
        match self {
            Self::ThingsBoard(_) => "thingsboard",
            Self::SenmlJson | Self::SenmlCbor => "senml",
            Self::Line => "line",
            Self::Fallback => "fallback",
        }
    }
}
