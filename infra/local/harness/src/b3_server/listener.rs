//! A listener that can reset a connection instead of serving it.

use std::{io, net::SocketAddr};

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};

use super::state::State;

pub(super) struct Resetting {
    inner: TcpListener,
    state: State,
}

impl Resetting {
    pub(super) fn new(inner: TcpListener, state: State) -> Self {
        Self { inner, state }
    }
}

impl Listener for Resetting {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.inner).await;
            if !self.state.lock().take_reset() {
                return (stream, peer);
            }
            // Without linger, closing sends RST instead of FIN.
            if let Err(error) = stream.set_zero_linger() {
                eprintln!("stand-in B3 server: connection closed instead of reset: {error}");
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}
