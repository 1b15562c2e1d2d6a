//! A thread that reads messages from the journal again for sessions that hold positions only, so
//! that no shard ever waits for the disk.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hub::Publication;
use journal::{Journal, ReadFault};
use model::Position;

use crate::mailbox::{Letter, Mailbox};
use crate::shard::{Found, Want};

/// Questions that wait, of at most 1,024 messages each: 16 MB. A shard that finds no room asks later.
const QUESTIONS_MAX: usize = 1_024;

/// Bytes of messages in one answer; what is beyond is asked for again.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How long it waits for a message whose commit is under way, at most and between two looks.
const COMMIT_WAIT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(1);

/// Where shards ask.
#[derive(Clone, Debug)]
pub(crate) struct Librarian {
    questions: SyncSender<Want>,
}

impl Librarian {
    /// The thread ends when the last handle is gone.
    pub(crate) fn start(
        journal: Journal,
        mailboxes: Arc<[Mailbox]>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (questions, asked) = sync_channel(QUESTIONS_MAX);
        let thread = std::thread::Builder::new()
            .name("librarian".to_owned())
            .spawn(move || serve(&asked, &journal, &mailboxes))?;
        Ok((Self { questions }, thread))
    }

    /// Gives the question back when there is no room for it.
    pub(crate) fn ask(&self, want: Want) -> Option<Want> {
        match self.questions.try_send(want) {
            Err(TrySendError::Full(want)) => Some(want),
            // Without the thread the site is stopping, and nobody waits for an answer.
            Err(TrySendError::Disconnected(_)) | Ok(()) => None,
        }
    }
}

fn serve(asked: &Receiver<Want>, journal: &Journal, mailboxes: &[Mailbox]) {
    while let Ok(want) = asked.recv() {
        let found = look_up(journal, &want.messages);
        if let Some(mailbox) = mailboxes.get(usize::from(want.session.shard)) {
            mailbox.deliver(Letter::Fetched(want.session, found));
        }
    }
}

/// The messages at some positions, which ascend as a rule. Those that are not committed in time or
/// are too many are left out.
fn look_up(journal: &Journal, wanted: &[(u64, Position)]) -> Vec<Found> {
    let mut found = Vec::with_capacity(wanted.len());
    let mut sorted: Vec<(u64, Position)> = wanted.to_vec();
    sorted.sort_by_key(|(_, position)| *position);
    let mut open: VecDeque<(u64, Position)> = sorted.into();
    let mut bytes = 0;
    let first = open.front().map_or(Position::ZERO, |(_, position)| *position);
    let mut reader = journal.reader(first);
    while let Some((_, position)) = open.front().copied()
        && bytes < ANSWER_BYTES_MAX
    {
        reader.skip_to(position);
        let batch = match wait_for(&mut reader) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(fault) => {
                // Retention was faster, or the disk is damaged: it cannot be had.
                tracing::debug!(%fault, "a message for a session is gone");
                found.extend(open.pop_front().map(|(token, _)| (token, None)));
                continue;
            }
        };
        for (at, record) in batch.iter() {
            while let Some((token, _)) = open.pop_front_if(|(_, position)| *position <= at) {
                let body = Publication::of_record(record).map(Arc::new);
                bytes += body.as_ref().map_or(0, |body| body.cost());
                found.push((token, body));
            }
        }
    }
    found
}

fn wait_for(
    reader: &mut journal::LogReader<journal::FsDisk>,
) -> Result<Option<journal::Batch>, ReadFault> {
    let mut waited = Duration::ZERO;
    loop {
        let batch = reader.next_batch()?;
        if batch.is_some() || waited >= COMMIT_WAIT {
            return Ok(batch);
        }
        std::thread::park_timeout(PAUSE);
        waited += PAUSE;
    }
}
