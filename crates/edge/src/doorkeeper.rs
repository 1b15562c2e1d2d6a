//! A thread that checks the passwords of CONNECTs: each takes milliseconds, and no shard waits.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::authentication::Passwords;
use crate::mailbox::{Letter, Mailbox};
use crate::shard::{Claim, Verdict};

/// Claims that wait, of at most 67 KB with the longest client id: 34 MB, and half a second to a second of
/// work. Beyond that, clients are told that the server is busy.
const CLAIMS_MAX: usize = 512;

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
        self.claims.try_send((home, claim)).map_err(|back| match back {
            TrySendError::Full((_, claim)) | TrySendError::Disconnected((_, claim)) => claim,
        })
    }
}

fn serve(asked: &Receiver<(u16, Claim)>, passwords: &dyn Passwords, mailboxes: &[Mailbox]) {
    while let Ok((home, claim)) = asked.recv() {
        let holds = passwords.check(&claim.name, &claim.password);
        let verdict = if holds { Verdict::Holds } else { Verdict::Fails };
        if let Some(mailbox) = mailboxes.get(usize::from(home)) {
            mailbox.deliver(Letter::Judged(claim, verdict));
        }
    }
}
