//! A thread that checks the passwords of CONNECTs: each takes milliseconds, and no shard waits.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::authentication::Passwords;
use crate::mailbox::{Letter, Mailbox};
use crate::shard::{Claim, Verdict};

/// Claims that wait, of at most 67 KB with the longest client id: 34 MB, and half a second to a second of
/// work. Beyond that, clients are told that the server is busy.
const CLAIMS_MAX: usize = 512;

/// Between two looks at a mailbox that is full.
const PAUSE: Duration = Duration::from_millis(1);

/// Where shards ask.
#[derive(Clone, Debug)]
pub(crate) struct Doorkeeper {
    claims: SyncSender<(u16, Claim)>,
}

impl Doorkeeper {
    /// The thread ends when the last handle is gone.
    pub(crate) fn start(
        passwords: Arc<dyn Passwords>,
        mailboxes: Arc<[Mailbox]>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (claims, asked) = sync_channel(CLAIMS_MAX);
        let thread = std::thread::Builder::new()
            .name("doorkeeper".to_owned())
            .spawn(move || serve(&asked, &*passwords, &mailboxes))?;
        Ok((Self { claims }, thread))
    }

    /// Takes a claim of a client of the shard `home`; gives it back when there is no room for it.
    pub(crate) fn ask(&self, home: u16, claim: Claim) -> Result<(), Claim> {
        let sent = self.claims.try_send((home, claim));
        sent.map_err(|back| match back {
            std::sync::mpsc::TrySendError::Full((_, claim))
            | std::sync::mpsc::TrySendError::Disconnected((_, claim)) => claim,
        })
    }
}

fn serve(asked: &Receiver<(u16, Claim)>, passwords: &dyn Passwords, mailboxes: &[Mailbox]) {
    while let Ok((home, claim)) = asked.recv() {
        let holds = passwords.check(&claim.name, &claim.password);
        let verdict = if holds { Verdict::Holds } else { Verdict::Fails };
        let mut letters = vec![Letter::Judged(claim, verdict)];
        let home = mailboxes.get(usize::from(home));
        while let Some(mailbox) = home.filter(|_| !letters.is_empty()) {
            if let Err(fault) = mailbox.post(&mut letters) {
                tracing::error!(%fault, "a shard cannot be woken");
                break;
            }
            if !letters.is_empty() {
                std::thread::park_timeout(PAUSE);
            }
        }
    }
}
