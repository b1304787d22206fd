//! `<service> healthcheck`: asks the service that runs beside it whether it is alive. An image without a shell has nothing else to
//! ask with.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// For each of connecting, asking and hearing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nothing longer is read of an answer.
const LONGEST: u64 = 4096;

/// Asks `/livez`, which answers also while the broker is away.
///
/// # Errors
///
/// Why the service cannot be said to be alive, and at which address.
pub(super) fn check(admin: SocketAddr) -> Result<(), String> {
    if admin.port() == 0 {
        return Err("ADMIN_ADDR has port 0, so nobody knows where the service answers; give it a port".into());
    }
    let address = SocketAddr::new(here(admin.ip()), admin.port());
    let status = ask(address).map_err(|error| format!("http://{address}/livez does not answer: {error}"))?;
    if status.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(format!("http://{address}/livez answers {status:?}"))
}

/// Where a service that listens on every address can be reached from within.
fn here(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(all) if all.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(all) if all.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    }
}

/// The first line of the answer.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Checks what answers like this.
    fn checked(answer: &'static str) -> Result<(), String> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let admin = listener.local_addr().unwrap();
        let service = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked).into_owned()
        });
        let checked = check(admin);
        assert!(service.join().unwrap().starts_with("GET /livez HTTP/1.1\r\nHost: 127.0.0.1:"));
        checked
    }

    #[test]
    fn a_service_that_answers_200_is_alive_and_one_that_answers_anything_else_is_not() {
        assert_eq!(checked("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nalive\n"), Ok(()));
        for other in ["HTTP/1.1 500 Internal Server Error\r\n\r\n", "200\r\n", ""] {
            assert!(checked(other).is_err_and(|reason| reason.contains("/livez answers")), "{other:?}");
        }
    }

    #[test]
    fn where_nobody_listens_the_reason_names_the_address() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let reason = check(free).unwrap_err();
        assert!(reason.contains(&format!("http://{free}/livez does not answer")), "{reason}");
        assert!(check(SocketAddr::new(free.ip(), 0)).unwrap_err().contains("port 0"));
    }
}
