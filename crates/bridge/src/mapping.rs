//! Which topics cross a bridge in one direction, and what they are called on the other side.

use model::{Qos, TopicFilter, TopicName};

/// Lines of one direction. Each is a subscription and is looked at for each message.
pub(crate) const ROUTES_MAX: usize = 256;

/// One line: what is asked for, and how the topics are renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    filter: TopicFilter,
    remove: Box<str>,
    add: Box<str>,
    qos: Qos,
    retain: bool,
}

/// The owner of the configuration must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    #[error("has the filter {filter:?}, which is none: {why}")]
    Filter { filter: Box<str>, why: model::topic::TopicFault },
    #[error("has the shared filter {0:?}; a bridge is one subscriber by itself")]
    Shared(Box<str>),
    #[error("has the filter {filter:?}, which does not begin with its prefix-remove {remove:?}")]
    Prefix { filter: Box<str>, remove: Box<str> },
    #[error("has a prefix-add {0:?} with a wildcard")]
    Wildcard(Box<str>),
    #[error("has {0:?}, of which nothing is left to publish to")]
    Nothing(Box<str>),
    #[error("has qos 2; a bridge speaks QoS 0 and 1")]
    Qos,
    #[error("has the filters {first:?} and {second:?}, which meet: messages would cross twice")]
    Overlap { first: Box<str>, second: Box<str> },
    #[error("has more than {ROUTES_MAX} lines in one direction")]
    TooMany,
}

impl Route {
    /// # Errors
    /// When the filter is none, or the prefixes do not fit it.
    pub fn new(filter: &str, (remove, add): (&str, &str), qos: Qos) -> Result<Self, MappingFault> {
        let parsed = TopicFilter::parse(filter)
            .map_err(|why| MappingFault::Filter { filter: filter.into(), why })?;
        if parsed.group().is_some() {
            return Err(MappingFault::Shared(filter.into()));
        }
        // A wildcard in the prefix would stand for more than is written there.
        let Some(rest) = filter.strip_prefix(remove).filter(|_| !remove.contains(['+', '#']))
        else {
            return Err(MappingFault::Prefix { filter: filter.into(), remove: remove.into() });
        };
        if add.contains(['+', '#', '\0']) {
            return Err(MappingFault::Wildcard(add.into()));
        }
        if rest.is_empty() && add.is_empty() {
            return Err(MappingFault::Nothing(filter.into()));
        }
        if qos == Qos::ExactlyOnce {
            return Err(MappingFault::Qos);
        }
        Ok(Self { filter: parsed, remove: remove.into(), add: add.into(), qos, retain: true })
    }

    /// Retained messages stay retained, and a new subscription gets them. Without this they cross
    /// as any other.
    #[must_use]
    pub fn retaining(self, retain: bool) -> Self {
        Self { retain, ..self }
    }

    pub(crate) const fn qos(&self) -> Qos {
        self.qos
    }

    pub(crate) const fn retains(&self) -> bool {
        self.retain
    }

    #[must_use]
    pub fn filter(&self) -> &str {
        self.filter.as_str()
    }

    /// What `topic` is called on the other side; `None` when there is no such name.
    #[must_use]
    pub fn map(&self, topic: &str) -> Option<String> {
        let mapped = format!("{}{}", self.add, topic.strip_prefix(&*self.remove)?);
        TopicName::parse(&mapped).is_ok().then_some(mapped)
    }

    /// All that this line can publish to on the other side, as a filter.
    fn image(&self) -> String {
        let rest = self.filter().strip_prefix(&*self.remove).unwrap_or_default();
        format!("{}{rest}", self.add)
    }
}

/// All lines of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    routes: Vec<Route>,
}

impl Mapping {
    /// # Errors
    /// When two lines would take the same message: the other side would get it twice.
    pub fn new(routes: Vec<Route>) -> Result<Self, MappingFault> {
        if routes.len() > ROUTES_MAX {
            return Err(MappingFault::TooMany);
        }
        for (index, one) in routes.iter().enumerate() {
            let later = routes.iter().skip(index + 1);
            if let Some(other) = later.into_iter().find(|other| meet(one.filter(), other.filter()))
            {
                let (first, second) = (one.filter().into(), other.filter().into());
                return Err(MappingFault::Overlap { first, second });
            }
        }
        Ok(Self { routes })
    }

    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    pub(crate) fn route(&self, topic: TopicName<'_>) -> Option<&Route> {
        self.routes.iter().find(|route| route.filter.matches(topic))
    }

    /// The first pair of lines by which a message that goes this way comes back by `other`.
    #[must_use]
    pub fn returns_by<'a>(&'a self, other: &'a Self) -> Option<(&'a Route, &'a Route)> {
        let pairs =
            self.routes.iter().flat_map(|out| other.routes.iter().map(move |back| (out, back)));
        pairs.into_iter().find(|(out, back)| meet(&out.image(), back.filter()))
    }
}

/// Whether some topic matches both filters.
fn meet(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some(left), Some(right)) if left == right || left == "+" || right == "+" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
