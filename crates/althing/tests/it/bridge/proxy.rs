//! A TCP link that can be cut, and kept down.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Link {
    open: Mutex<Vec<TcpStream>>,
    down: AtomicBool,
    cuts: AtomicUsize,
}

pub(crate) struct Proxy {
    address: String,
    link: Arc<Link>,
}

impl Proxy {
    pub(crate) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let link = Arc::new(Link::default());
        let (shared, target) = (Arc::clone(&link), target.to_owned());
        // Ends with the process of the test.
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if shared.down.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&target) else { continue };
                carry(near.try_clone().unwrap(), far.try_clone().unwrap());
                carry(far.try_clone().unwrap(), near.try_clone().unwrap());
                shared.open.lock().unwrap().extend([near, far]);
            }
        });
        Self { address, link }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends what is connected; the next connection works again.
    pub(crate) fn cut(&self) {
        for socket in self.link.open.lock().unwrap().drain(..) {
            if socket.shutdown(Shutdown::Both).is_ok() {
                self.link.cuts.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.link.down.store(down, Ordering::SeqCst);
        self.cut();
    }

    /// Sockets that were cut while they were open.
    pub(crate) fn cuts(&self) -> usize {
        self.link.cuts.load(Ordering::SeqCst)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(bytes @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..bytes]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    });
}
