//! Listening sockets: one per shard on the same port, so that the kernel spreads the clients.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections the kernel holds for a shard that is busy.
const BACKLOG: i32 = 1_024;

/// Binds `address` once for each shard. Port 0 is chosen by the kernel, the same for all.
///
/// # Errors
/// When the address cannot be bound, as when another program has it.
pub(crate) fn bind(address: SocketAddr, shards: u16) -> io::Result<Vec<TcpListener>> {
    // A shared port would also be shared with another site of the same user, which would then get
    // half of the clients. So the port has to be free for one who does not share it.
    drop(bind_one(address, false)?);
    let first = bind_one(address, shards > 1)?;
    let chosen = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..shards {
        listeners.push(bind_one(chosen, true)?);
    }
    Ok(listeners)
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
