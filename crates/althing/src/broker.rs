//! The broker's clients, as the HTTP API asks for them.

use edge::Census;
use model::census::{Detail, Fate, Page, Question, Unanswered};
use model::trace::{Tracing, Wish};

#[derive(Debug)]
pub(crate) struct Broker(pub(crate) Census);

impl api::Clients for Broker {
    fn page(&self, question: &Question) -> Result<Page, Unanswered> {
        self.0.page(question)
    }

    fn client(&self, client: &str) -> Result<Option<Detail>, Unanswered> {
        self.0.client(client)
    }

    fn close(&self, client: &str, fate: Fate) -> Result<(), Unanswered> {
        self.0.close(client, fate)
    }

    fn trace(&self, wish: Wish) -> Result<Tracing, Unanswered> {
        self.0.trace(wish)
    }
}
