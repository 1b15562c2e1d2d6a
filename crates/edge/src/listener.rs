//! Listening sockets. On a network address one per shard on the same port, so that the kernel
//! spreads the clients; a Unix domain socket is shared by the shards, and who is first accepts.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::door::Place;

/// Connections the kernel holds for a shard that is busy.
const BACKLOG: i32 = 1_024;

/// Who may connect to a Unix domain socket: its user and its group.
const SOCKET_MODE: u32 = 0o660;

/// The peer of a Unix domain socket has no address. It is on this machine.
pub(crate) const THIS_MACHINE: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// A listening socket of one shard.
#[derive(Debug)]
pub(crate) enum Listening {
    Network(TcpListener),
    Path(UnixListener),
}

impl Listening {
    pub(crate) fn accept(&self) -> io::Result<(OwnedFd, SocketAddr)> {
        match self {
            Self::Network(listener) => {
                let (socket, peer) = listener.accept()?;
                if let Err(fault) = socket.set_nodelay(true) {
                    tracing::debug!(%fault, "a connection may be slower than it could be");
                }
                Ok((socket.into(), peer))
            }
            Self::Path(listener) => {
                let (socket, _unnamed) = listener.accept()?;
                Ok((socket.into(), THIS_MACHINE))
            }
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.source(), token, Interest::READABLE)
    }

    /// Makes the poll say again that there are connections, if there are.
    pub(crate) fn rearm(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.reregister(self.source(), token, Interest::READABLE)
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Network(listener) => listener,
            Self::Path(listener) => listener,
        }
    }
}

/// The sockets of one listener.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Where it is, with the port that the kernel chose.
    pub(crate) place: Place,
    /// One for each shard.
    pub(crate) sockets: Vec<Listening>,
    pub(crate) file: Option<SocketFile>,
}

/// Binds `place` for each shard. Port 0 is chosen by the kernel, the same for all.
///
/// # Errors
/// When it cannot be bound, as when another program has it.
pub(crate) fn bind(place: &Place, shards: u16) -> io::Result<Bound> {
    match place {
        Place::Network(address) => bind_address(*address, shards),
        Place::Path(path) => bind_path(path, shards),
    }
}

fn bind_address(address: SocketAddr, shards: u16) -> io::Result<Bound> {
    // A shared port would also be shared with another site of the same user, which would then get
    // half of the clients. So the port has to be free for one who does not share it.
    drop(bind_one(address, false)?);
    let first = bind_one(address, shards > 1)?;
    let chosen = first.local_addr()?;
    let mut sockets = vec![Listening::Network(first)];
    for _ in 1..shards {
        sockets.push(Listening::Network(bind_one(chosen, true)?));
    }
    Ok(Bound { place: Place::Network(chosen), sockets, file: None })
}

fn bind_one(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    // A restart must not wait for the connections of its predecessor to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn bind_path(path: &Path, shards: u16) -> io::Result<Bound> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile(path.to_owned());
    // Before it listens nobody can connect.
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    socket.listen(BACKLOG)?;
    let mut sockets = Vec::new();
    for _ in 1..shards {
        sockets.push(Listening::Path(UnixListener::from_std(socket.try_clone()?.into())));
    }
    sockets.push(Listening::Path(UnixListener::from_std(socket.into())));
    Ok(Bound { place: Place::Path(path.to_owned()), sockets, file: Some(file) })
}

/// A process that was killed leaves its socket behind. One that somebody answers at is not stale,
/// and what is no socket is not ours.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(ErrorKind::AlreadyExists.into()),
        Ok(_) => match UnixStream::connect(path) {
            Err(fault) if fault.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
            Ok(_) | Err(_) => Err(ErrorKind::AddrInUse.into()),
        },
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// The file of a Unix domain socket, which goes with its listener.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(fault) = fs::remove_file(&self.0) {
            tracing::debug!(path = %self.0.display(), %fault, "a socket's file stays behind");
        }
    }
}
