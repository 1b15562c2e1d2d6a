//! The way of what is written over HTTP into the site: as messages of one MQTT client that lives
//! in this process, so that the promise is the same. A request is answered when every message of
//! it was acknowledged, which means durable and visible.

mod line;

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use line::Line;

/// Messages that wait for their turn. Whoever comes then waits with its request.
const ORDERS_MAX: usize = 256;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The connection ended first. It may be in the journal or not.
    #[error("the site stops, or its broker closed the connection")]
    Lost,
    /// As MQTT 5 says it.
    #[error("the broker refused the message (reason {0:#04x})")]
    Reason(u8),
}

#[derive(Debug)]
struct Order {
    topic: String,
    payload: Vec<u8>,
    done: oneshot::Sender<Result<(), Refused>>,
}

/// Takes messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    orders: mpsc::Sender<Order>,
}

/// Opens the client's end of a connection.
pub type Dial = Arc<dyn Fn() -> io::Result<UnixStream> + Send + Sync>;

impl Intake {
    /// And the work of it, which ends when all clones are gone. A client of the same id would take
    /// the place of this one, so `client_id` is one that nobody can guess.
    pub fn new(dial: Dial, client_id: String) -> (Self, impl Future<Output = ()> + Send) {
        let (orders, waiting) = mpsc::channel(ORDERS_MAX);
        (Self { orders }, work(dial, client_id, waiting))
    }

    /// Publishes a message at QoS 1 and waits for its acknowledgement.
    ///
    /// # Errors
    /// When it was not acknowledged.
    pub async fn take(&self, topic: String, payload: Vec<u8>) -> Result<(), Refused> {
        let (done, told) = oneshot::channel();
        let order = Order { topic, payload, done };
        self.orders.send(order).await.map_err(|_closed| Refused::Lost)?;
        told.await.unwrap_or(Err(Refused::Lost))
    }
}

/// Whoever waited may have gone.
fn tell(waiting: oneshot::Sender<Result<(), Refused>>, told: Result<(), Refused>) {
    if waiting.send(told).is_err() {
        tracing::debug!("a request that wrote over HTTP went away");
    }
}

/// Connects when there is something to say, and again after a connection was lost.
async fn work(dial: Dial, client_id: String, mut orders: mpsc::Receiver<Order>) {
    while let Some(first) = orders.recv().await {
        match Line::open(&dial, &client_id).await {
            Ok(mut line) => {
                if let Err(fault) = line.serve(first, &mut orders).await {
                    tracing::warn!(%fault, "the connection of what is written over HTTP ended");
                }
            }
            Err(fault) => {
                tracing::warn!(%fault, "what is written over HTTP finds no way in");
                tell(first.done, Err(Refused::Lost));
            }
        }
    }
}
