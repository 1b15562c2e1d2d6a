//! The HTTP side: pages and API behind one address, on a small runtime of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::serve::ListenerExt as _;
use query::Engine;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Threads for pages and the API. Pages are short; queries have threads of their own.
const THREADS: usize = 2;

/// Pages read storage on these; one more page waits.
const BLOCKING_THREADS_MAX: usize = 8;

/// How long open streams and downloads may go on when the process stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

pub(crate) struct Web {
    runtime: Runtime,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Web {
    /// A runtime that serves nothing yet; queries and pages need its handle before the router.
    pub(crate) fn runtime() -> anyhow::Result<Runtime> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_name("web")
            .enable_all()
            .build()
            .context("the threads for HTTP could not be started")
    }

    /// Serves `router` on a socket that is bound already.
    pub(crate) fn serve(
        runtime: Runtime,
        socket: TcpListener,
        router: Router,
    ) -> anyhow::Result<Self> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(socket)?
        };
        // Head and rows of an answer are written one after the other, and a client that
        // acknowledges late would get the second 40 ms after the first.
        let listener = listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "small answers may come late");
            }
        });
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // A dropped sender stops it as well.
            stopped.await.unwrap_or_default();
        });
        let server = runtime.spawn(async move { serving.await });
        Ok(Self { runtime, address, stop, server })
    }

    /// Serves clients of PostgreSQL on a socket that is bound already; says where.
    pub(crate) fn serve_postgres(
        &self,
        socket: TcpListener,
        engine: Arc<Engine>,
        limits: postgres::Limits,
    ) -> anyhow::Result<SocketAddr> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let _inside = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(socket)?;
        self.runtime.spawn(postgres::serve(listener, engine, limits));
        Ok(address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new request, gives the running ones a moment, and ends.
    pub(crate) fn stop(self) {
        let Self { runtime, stop, server, address: _ } = self;
        if stop.send(()).is_err() {
            tracing::warn!("the HTTP server had ended before it was stopped");
        }
        let ended = runtime.block_on(async { tokio::time::timeout(STOP_WITHIN, server).await });
        if ended.is_err() {
            tracing::debug!("some streams were cut");
        }
        runtime.shutdown_timeout(STOP_WITHIN);
    }
}
