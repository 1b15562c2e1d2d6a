//! Serves the console on an invented site, so that pages can be worked on without a database:
//! `cargo run -p console --example console-dev -- [--listen ADDR] [--empty] [--hostile]`

#[path = "world.rs"]
mod world;

use std::net::SocketAddr;
use std::sync::Arc;

use world::World;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut address: SocketAddr = "127.0.0.1:8080".parse()?;
    let mut world = World::moving();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--listen" => address = words.next().ok_or("--listen needs an address")?.parse()?,
            "--empty" => world = world.empty(),
            "--hostile" => world = world.hostile(),
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let listener = tokio::net::TcpListener::bind(address).await?;
    announce(listener.local_addr()?);
    axum::serve(listener, console::router(Arc::new(world))).await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "whoever starts it reads the address there")]
fn announce(address: SocketAddr) {
    println!("http://{address}/");
}
