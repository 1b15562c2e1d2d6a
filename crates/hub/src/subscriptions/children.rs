//! The nodes below a node, by the name of their level. Most have one or none, some have a hundred
//! thousand.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// So many are searched one by one, which costs less than a hash.
const FEW: usize = 8;

#[derive(Debug)]
pub(super) enum Children<N> {
    /// Holds no more memory than it uses.
    Few(Vec<(Box<str>, N)>),
    Many(Box<HashMap<Box<str>, N, FixedState>>),
}

impl<N> Default for Children<N> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<N: Default> Children<N> {
    pub(super) fn get(&self, level: &str) -> Option<&N> {
        match self {
            Self::Few(few) => few.iter().find(|(name, _)| **name == *level).map(|(_, node)| node),
            Self::Many(many) => many.get(level),
        }
    }

    pub(super) fn get_mut(&mut self, level: &str) -> Option<&mut N> {
        match self {
            Self::Few(few) => {
                few.iter_mut().find(|(name, _)| **name == *level).map(|(_, node)| node)
            }
            Self::Many(many) => many.get_mut(level),
        }
    }

    pub(super) fn get_or_insert(&mut self, level: &str) -> &mut N {
        if let Self::Few(few) = self
            && few.len() >= FEW
            && !few.iter().any(|(name, _)| **name == *level)
        {
            *self = Self::Many(Box::new(few.drain(..).collect()));
        }
        match self {
            Self::Few(few) => {
                let known = few.iter().position(|(name, _)| **name == *level);
                let at = known.unwrap_or(few.len());
                if known.is_none() {
                    few.reserve_exact(1);
                    few.push((level.into(), N::default()));
                }
                node_at(few, at)
            }
            Self::Many(many) => many.entry(level.into()).or_default(),
        }
    }

    pub(super) fn remove(&mut self, level: &str) {
        match self {
            Self::Few(few) => {
                few.retain(|(name, _)| **name != *level);
                few.shrink_to_fit();
            }
            Self::Many(many) => {
                many.remove(level);
                if many.is_empty() {
                    *self = Self::default();
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_empty(),
            Self::Many(many) => many.is_empty(),
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "found or pushed one line before")]
fn node_at<N>(few: &mut [(Box<str>, N)], at: usize) -> &mut N {
    &mut few[at].1
}
