//! What an idle TLS connection costs. Alone in its process: the allocator counts for everybody.

#[cfg(test)]
#[path = "it/authority.rs"]
mod authority;
#[cfg(test)]
#[path = "it/device.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod device;
#[cfg(test)]
#[path = "it/site.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod site;

#[cfg(test)]
mod tests {
    use std::alloc::System;
    use std::net::TcpStream;
    use std::sync::Arc;

    use edge::Listener;
    use rustls::pki_types::ServerName;
    use rustls::version::{TLS12, TLS13};
    use rustls::{ClientConnection, StreamOwned};
    use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

    use crate::authority::Authority;
    use crate::device::Device;
    use crate::site;

    #[global_allocator]
    static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

    const CONNECTIONS: usize = 256;
    /// Session, keys and all; 100,000 connections are 900 MB then.
    const BYTES_MAX: usize = 9_000;

    fn live_bytes() -> usize {
        let stats = GLOBAL.stats();
        stats.bytes_allocated - stats.bytes_deallocated
    }

    #[test]
    fn an_idle_tls_connection_holds_no_buffers() {
        let authority = Authority::new();
        for version in [&TLS12, &TLS13] {
            let listener = Listener { tls: Some(authority.server()), ..site::plain() };
            let site = site::start(1, vec![listener]);
            let config = Arc::new(authority.client(&[version], None));
            let mut idle: Vec<TcpStream> = Vec::with_capacity(CONNECTIONS + 1);
            let mut connect = |number: usize| {
                let name = ServerName::try_from("localhost").unwrap();
                let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
                let stream = StreamOwned::new(connection, site.dial());
                let mut device = Device::connect(stream, &format!("device-{number:04}")).unwrap();
                device.deliver("farm/t", &[b'1'; 20_000]);
                // The client's half of TLS is not counted.
                idle.push(device.stream.sock);
            };
            connect(0);
            let before = live_bytes();
            (1..=CONNECTIONS).for_each(&mut connect);
            let each = (live_bytes() - before) / CONNECTIONS;
            println!("{each} bytes for an idle connection of {version:?}");
            assert!(each <= BYTES_MAX, "{each} bytes for an idle connection of {version:?}");
        }
    }
}
