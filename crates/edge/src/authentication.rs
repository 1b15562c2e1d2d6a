//! Ways to prove who one is (MQTT 5, enhanced authentication): bytes of the client come in, bytes
//! for it come out. A shard waits for each of them, so a step takes microseconds.

use std::fmt;
use std::sync::Arc;

mod scram;

pub use scram::Scram;

/// Sessions keep no longer name than this.
const NAME_BYTES_MAX: usize = 64;

/// One way, by the name that clients have for it.
pub trait Method: fmt::Debug + Send + Sync {
    /// At most 64 bytes.
    fn name(&self) -> &str;

    /// A client wants to prove who it is and says so much at once.
    fn begin(&self, data: &[u8]) -> Step;
}

/// What is between two steps. There is one for each client that has not finished, of some hundred
/// bytes: the number of unfinished connections bounds it.
pub trait Exchange: fmt::Debug + Send {
    /// The client says more.
    fn go_on(self: Box<Self>, data: &[u8]) -> Step;
}

/// What comes of what a client said.
#[derive(Debug)]
pub enum Step {
    /// It has to say more, and is told this.
    Continue {
        data: Vec<u8>,
        exchange: Box<dyn Exchange>,
    },
    /// It is who it says, and is told this last.
    Accept {
        data: Vec<u8>,
        name: Box<str>,
    },
    Refuse,
}

/// Names and passwords that clients of any version send in their CONNECT.
pub trait Passwords: fmt::Debug + Send + Sync {
    /// May take milliseconds: no shard waits for it.
    fn check(&self, name: &str, password: &[u8]) -> bool;
}

/// Those of a site; without any, a client that names one is refused.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    methods: Arc<[Arc<dyn Method>]>,
    passwords: Option<Arc<dyn Passwords>>,
}

impl Methods {
    /// # Panics
    /// When the name of one is too long.
    #[must_use]
    pub fn new(methods: impl IntoIterator<Item = Arc<dyn Method>>) -> Self {
        let methods: Arc<[Arc<dyn Method>]> = methods.into_iter().collect();
        let fit = methods.iter().all(|method| method.name().len() <= NAME_BYTES_MAX);
        assert!(fit, "sessions keep the name");
        Self { methods, passwords: None }
    }

    #[must_use]
    pub fn with_passwords(self, passwords: Arc<dyn Passwords>) -> Self {
        Self { passwords: Some(passwords), ..self }
    }

    pub(crate) fn passwords(&self) -> Option<&Arc<dyn Passwords>> {
        self.passwords.as_ref()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<dyn Method>> {
        self.methods.iter().find(|method| method.name() == name)
    }
}
