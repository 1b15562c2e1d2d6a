//! Connections come in here.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use pgwire::api::auth::StartupHandler;
use pgwire::api::auth::noop::NoopStartupHandler;
use pgwire::api::cancel::{CancelHandler, DefaultCancelHandler};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::{ConnectionManager, PgWireServerHandlers};
use pgwire::tokio::process_socket_unix;
use query::Engine;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;

use crate::guard::carry;
use crate::session::Session;

/// What strangers may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at the same time; more are closed at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64 }
    }
}

/// After an accept that failed, as without file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves clients until the future is dropped, and with it all connections.
pub async fn serve(listener: TcpListener, engine: Arc<Engine>, limits: Limits) -> Infallible {
    let door = Door { engine, connections: Arc::new(ConnectionManager::new()) };
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(_) if open.len() >= limits.connections => {
                    tracing::warn!(limit = limits.connections, "one PostgreSQL client too many");
                }
                Ok((socket, _)) => {
                    open.spawn(door.clone().welcome(socket));
                }
                Err(fault) => {
                    tracing::warn!(%fault, "a PostgreSQL client could not be accepted");
                    pause().await;
                }
            },
            Some(ended) = open.join_next() => {
                if let Err(panic) = ended {
                    tracing::error!(%panic, "a PostgreSQL connection failed inside Althing");
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "real time, in the shell: files may be free then")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

#[derive(Clone, Debug)]
struct Door {
    engine: Arc<Engine>,
    connections: Arc<ConnectionManager>,
}

impl Door {
    async fn welcome(self, socket: TcpStream) {
        let handlers = Handlers {
            session: Arc::new(Session::new(self.engine)),
            startup: Arc::new(Startup(Arc::clone(&self.connections))),
            cancel: Arc::new(DefaultCancelHandler::new(self.connections)),
        };
        let ended = match UnixStream::pair() {
            Ok((ours, theirs)) => tokio::select! {
                ended = process_socket_unix(theirs, handlers) => ended,
                ended = carry(socket, ours) => ended,
            },
            Err(fault) => Err(fault),
        };
        if let Err(fault) = ended {
            tracing::debug!(%fault, "a PostgreSQL connection ended");
        }
    }
}

/// Those of one connection.
struct Handlers {
    session: Arc<Session>,
    startup: Arc<Startup>,
    cancel: Arc<DefaultCancelHandler>,
}

impl PgWireServerHandlers for Handlers {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.session)
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::clone(&self.session)
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.startup)
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::clone(&self.cancel)
    }
}

/// Everybody who reaches the loopback address may read, as over HTTP. Who is to prove who they are
/// is asked here.
#[derive(Debug)]
struct Startup(Arc<ConnectionManager>);

impl NoopStartupHandler for Startup {
    fn connection_manager(&self) -> Option<Arc<ConnectionManager>> {
        Some(Arc::clone(&self.0))
    }
}
