//! What surrounds every page: rail, header, phone bar, and what the live script has to know.

use axum::http::{HeaderMap, header};

use crate::assets::{self, Asset};
use crate::markup::Markup;
use crate::router::Ask;
use crate::show;
use crate::site::Durable;
use crate::words::Text;

/// A person's choice against the system's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter();
        let mut pairs = cookies.filter_map(|line| line.to_str().ok()).flat_map(|l| l.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix("theme=")).map_or(Self::Auto, Self::parse)
    }

    /// Anything unknown is the system's own choice.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn label(self, t: Text) -> &'static str {
        match self {
            Self::Auto => t.theme_auto(),
            Self::Light => t.theme_light(),
            Self::Dark => t.theme_dark(),
        }
    }
}

/// The rail's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    Overview,
    Devices,
    Explore,
    Completeness,
    Sql,
    System,
    About,
    Nowhere,
}

pub(crate) struct Shell {
    pub(crate) t: Text,
    pub(crate) here: Here,
    /// In the browser's tab and history.
    pub(crate) tab: String,
    pub(crate) title: Markup,
    pub(crate) site: String,
    pub(crate) zone: String,
    pub(crate) demo: bool,
    pub(crate) theme: Theme,
    /// Where a form on this page comes back to.
    pub(crate) path: String,
    pub(crate) position: u64,
    pub(crate) durable: Option<Markup>,
    /// The address of this page's stream without its start. Empty: the page does not change.
    pub(crate) stream: String,
    pub(crate) charts: bool,
}

impl Shell {
    pub(crate) fn new(ask: &Ask, here: Here, title: &str, durable: Durable) -> Self {
        let t = Text::default();
        let identity = ask.site.identity();
        let path = ask.uri.path_and_query().map_or("/", |path| path.as_str());
        Self {
            t,
            here,
            tab: t.tab_plain(title, &identity.name),
            title: show::name(title),
            zone: show::zone_name(ask.site.now(), &identity.zone),
            durable: durable.time.map(|time| show::clock(time, &identity.zone)),
            site: identity.name,
            demo: identity.demo,
            theme: ask.theme,
            path: path.to_owned(),
            position: durable.position,
            stream: String::new(),
            charts: false,
        }
    }

    /// The page changes with what this stream says.
    pub(crate) fn live(mut self, query: &str) -> Self {
        self.stream = format!("/live{query}");
        self
    }

    pub(crate) fn current(&self, here: Here) -> bool {
        self.here == here
    }

    pub(crate) fn asset(name: &str) -> &'static str {
        let all: [(&str, &Asset); 9] = [
            ("app.css", &assets::APP_CSS),
            ("icon.svg", &assets::ICON_SVG),
            ("ask.js", &assets::ASK_JS),
            ("explore.js", &assets::EXPLORE_JS),
            ("trace.js", &assets::TRACE_JS),
            ("live.js", &assets::LIVE_JS),
            ("chart.js", &assets::CHART_JS),
            ("uplot.js", &assets::UPLOT_JS),
            ("uplot.css", &assets::UPLOT_CSS),
        ];
        all.iter().find(|(known, _)| *known == name).map_or("", |(_, asset)| asset.path)
    }
}
