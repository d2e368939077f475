//! A TCP connection to the Core, with socket options that show a dead peer soon.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpSocket, TcpStream, lookup_host};

use crate::options::Options;

/// A keepalive probe after 3 s of silence, then every second.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(3);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Data (or a keepalive probe) that stays unacknowledged for this long ends the connection. So a
/// pulled cable is noticed within 10 s, whether the client writes or not.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(8);

/// Connects to the first address of the host that accepts.
pub(crate) async fn connect(options: &Options) -> Result<TcpStream, String> {
    let Options { host, port, .. } = options;
    let attempt = async {
        let addresses = lookup_host((host.as_str(), *port))
            .await
            .map_err(|error| format!("cannot look up {host}: {error}"))?;
        let mut failure = format!("{host} has no address");
        for address in addresses {
            match connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(failure)
    };
    match tokio::time::timeout(options.connect_timeout, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!(
            "{host}:{port} did not answer within {} s",
            options.connect_timeout.as_secs_f64()
        )),
    }
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    // Requests are small, and a caller waits for each.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_IDLE)
            .with_interval(KEEPALIVE_INTERVAL),
    )?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    TcpSocket::from_std_stream(socket.into())
        .connect(address)
        .await
}
