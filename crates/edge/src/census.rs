//! Where operators ask for clients: a letter into the mailbox of a shard, and an answer through a
//! channel that has room for it. Whoever asks waits; no shard does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use hub::home_shard;
use model::census::{Detail, Fate, Page, Question, Unanswered};
use model::trace::{Tracing, Wish};

use crate::mailbox::{Letter, Mailbox};
use crate::shard::Asked;

/// The longest that somebody waits for all shards. One that is busier than that has other worries.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A handle on all shards. Its methods wait for their answer: not for async threads.
#[derive(Clone, Debug)]
pub struct Census {
    mailboxes: Arc<[Mailbox]>,
}

impl Census {
    pub(crate) const fn new(mailboxes: Arc<[Mailbox]>) -> Self {
        Self { mailboxes }
    }

    /// A page of the clients of all shards.
    ///
    /// # Errors
    /// When a shard does not answer in time.
    pub fn page(&self, question: &Question) -> Result<Page, Unanswered> {
        let (answer, answers) = sync_channel(self.mailboxes.len());
        for mailbox in &*self.mailboxes {
            ask(mailbox, Asked::Page(question.clone(), answer.clone()))?;
        }
        drop(answer);
        let mut pages = Vec::new();
        for _ in &*self.mailboxes {
            pages.push(wait(&answers)?);
        }
        Ok(Page::merge(pages, question.order, question.limit))
    }

    /// One client with its subscriptions; `None` when nobody has that name.
    ///
    /// # Errors
    /// When its shard does not answer in time.
    pub fn client(&self, client: &str) -> Result<Option<Detail>, Unanswered> {
        self.ask_home(client, |answer| Asked::Client(client.into(), answer))
    }

    /// Closes the connection of a client as an administrative action.
    ///
    /// # Errors
    /// When there is no such client, or its shard does not answer in time.
    pub fn close(&self, client: &str, fate: Fate) -> Result<(), Unanswered> {
        let known = self.ask_home(client, |answer| Asked::Close(client.into(), fate, answer))?;
        if known { Ok(()) } else { Err(Unanswered::Unknown) }
    }

    /// Tells of what a client says and hears from now on, whether or not it is connected.
    ///
    /// # Errors
    /// When its shard traces as many as it can, or does not answer in time.
    pub fn trace(&self, wish: Wish) -> Result<Tracing, Unanswered> {
        let client = wish.client.clone();
        self.ask_home(&client, |answer| Asked::Trace(wish, answer))?
    }

    fn ask_home<T>(
        &self,
        client: &str,
        asked: impl FnOnce(SyncSender<T>) -> Asked,
    ) -> Result<T, Unanswered> {
        let shards = u16::try_from(self.mailboxes.len()).unwrap_or(u16::MAX);
        let home = usize::from(home_shard(client, shards));
        let mailbox = self.mailboxes.get(home).ok_or(Unanswered::Stopping)?;
        let (answer, answers) = sync_channel(1);
        ask(mailbox, asked(answer))?;
        wait(&answers)
    }
}

fn ask(mailbox: &Mailbox, asked: Asked) -> Result<(), Unanswered> {
    let mut letters = vec![Letter::Asked(Box::new(asked))];
    match mailbox.post(&mut letters) {
        Ok(()) if letters.is_empty() => Ok(()),
        Ok(()) => Err(Unanswered::Busy),
        Err(fault) => {
            tracing::error!(%fault, "a shard cannot be woken");
            Err(Unanswered::Stopping)
        }
    }
}

fn wait<T>(answers: &Receiver<T>) -> Result<T, Unanswered> {
    // A shard that has no room for the question drops it, and the channel with it.
    answers.recv_timeout(ANSWER_WITHIN).map_err(|_late_or_dropped| Unanswered::Busy)
}
