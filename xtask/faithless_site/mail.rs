//! What subscribers are owed: sessions that last, their queues and retained messages, in memory and
//! in one file of what happened, an event a line. A session gets one message at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Way;
use crate::store::NOW_AND_THEN;

/// A message on its way to subscribers. Torture sends no blanks, so it is a line in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Post {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) twice_confirmed: bool,
    pub(crate) retain: bool,
}

/// Of a client that asked for one that lasts.
#[derive(Debug, Default)]
struct Session {
    /// Which post is next, once it is subscribed.
    next: Option<usize>,
    /// The client has that post; the handshake is not over.
    received: bool,
}

/// What is to be sent to a session next.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    Message(u16, Post),
    Release(u16),
}

#[derive(Debug)]
pub(crate) struct Mail {
    way: Way,
    file: File,
    /// Whatever is not retained, in order: all subscribers want all of it.
    posts: Vec<Post>,
    /// What comes again was sent again after a cut.
    known: BTreeSet<Post>,
    retained: BTreeMap<String, Post>,
    sessions: BTreeMap<String, Session>,
    taken: usize,
}

impl Mail {
    pub(crate) fn open(folder: &Path, way: Way) -> Result<Self> {
        let path = folder.join("mail");
        let file = File::options().create(true).append(true).open(&path)?;
        let bytes = std::fs::read(&path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut mail = Self {
            way,
            file,
            posts: Vec::new(),
            known: BTreeSet::new(),
            retained: BTreeMap::new(),
            sessions: BTreeMap::new(),
            taken: 0,
        };
        for line in String::from_utf8_lossy(bytes.get(..whole).unwrap_or_default()).lines() {
            mail.apply(line).context("a line of the mail")?;
        }
        mail.file.set_len(u64::try_from(whole)?)?;
        mail.sync()?;
        if way == Way::Unretaining {
            mail.retained.clear();
        }
        Ok(mail)
    }

    /// Says whether the session was there already.
    pub(crate) fn resume(&mut self, client: &str) -> Result<bool> {
        let known = self.sessions.contains_key(client);
        if !known {
            self.happen(&format!("open {client}"))?;
            self.sync()?;
        }
        Ok(known)
    }

    pub(crate) fn subscribe(&mut self, client: &str) -> Result<()> {
        self.happen(&format!("subscribe {client}"))?;
        self.sync()
    }

    /// What was posted is as safe as it gets. Steps of handshakes are not waited for: no power is
    /// cut while messages are delivered.
    pub(crate) fn sync(&self) -> Result<()> {
        if self.way != Way::Unsynced {
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Safe with the next `sync`.
    pub(crate) fn post(&mut self, post: &Post) -> Result<()> {
        if self.known.contains(post) {
            return Ok(());
        }
        let Post { topic, payload, twice_confirmed, retain } = post;
        self.happen(&format!("post {topic} {payload} {twice_confirmed} {retain}"))
    }

    /// The client has the message under this id.
    pub(crate) fn received(&mut self, client: &str, id: u16) -> Result<()> {
        match self.due(client) {
            Some(Due::Message(due, _)) if due == id => self.happen(&format!("received {client}")),
            _ => Ok(()),
        }
    }

    /// The handshake under this id is over.
    pub(crate) fn done(&mut self, client: &str, id: u16) -> Result<()> {
        match self.due(client) {
            Some(Due::Message(due, _) | Due::Release(due)) if due == id => {
                self.happen(&format!("done {client}"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn due(&self, client: &str) -> Option<Due> {
        let session = self.sessions.get(client)?;
        let next = session.next?;
        let post = self.posts.get(next)?;
        let id = u16::try_from(next % usize::from(u16::MAX)).ok()? + 1;
        Some(if session.received { Due::Release(id) } else { Due::Message(id, post.clone()) })
    }

    pub(crate) fn retained(&self) -> impl Iterator<Item = &Post> {
        self.retained.values()
    }

    fn happen(&mut self, event: &str) -> Result<()> {
        let of_sessions = event.starts_with("open") || event.starts_with("subscribe");
        if !(of_sessions && self.way == Way::Amnesic) {
            self.file.write_all(format!("{event}\n").as_bytes())?;
        }
        self.apply(event).context("an event of our own")
    }

    /// What a line means, when it happens and after a restart alike.
    fn apply(&mut self, line: &str) -> Option<()> {
        let (verb, rest) = line.split_once(' ')?;
        if verb == "post" {
            return self.apply_post(rest);
        }
        if verb == "open" {
            self.sessions.insert(rest.to_owned(), Session::default());
            return Some(());
        }
        let end = self.posts.len();
        // A site that forgets sessions has the rest of their story.
        let Some(session) = self.sessions.get_mut(rest) else { return Some(()) };
        match verb {
            "subscribe" => session.next = Some(end),
            "received" => session.received = true,
            "done" => {
                session.received = false;
                session.next = session.next.map(|next| next + 1);
            }
            _ => return None,
        }
        Some(())
    }

    fn apply_post(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split(' ');
        let post = Post {
            topic: fields.next()?.to_owned(),
            payload: fields.next()?.to_owned(),
            twice_confirmed: fields.next()?.parse().ok()?,
            retain: fields.next()?.parse().ok()?,
        };
        self.known.insert(post.clone());
        self.taken += 1;
        let now = self.taken.is_multiple_of(NOW_AND_THEN);
        if post.retain {
            self.retained.insert(post.topic.clone(), post);
            return Some(());
        }
        let copies = match (now, self.way) {
            (true, Way::Undelivering) => 0,
            (true, Way::Redelivering) => 2,
            (true | false, _) => 1,
        };
        self.posts.extend(std::iter::repeat_n(post, copies));
        Some(())
    }
}
