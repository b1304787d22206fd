//! One address for several nodes, as a Kubernetes service is.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;

/// Starts to accept on a free port of 127.0.0.1 and returns it. Each connection goes to the next of these ports that accepts. It goes on
/// as long as the process does.
pub(crate) fn balance(nodes: Vec<u16>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let mut turn = 0;
        for client in listener.incoming().filter_map(Result::ok) {
            turn += 1;
            let mut order = nodes.clone();
            order.rotate_left(turn % nodes.len());
            let node = order.into_iter().find_map(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
            if let Some(node) = node {
                // A client that has gone already is no news here.
                let _ = join(&client, &node);
            }
        }
    });
    port
}

fn join(client: &TcpStream, node: &TcpStream) -> io::Result<()> {
    for stream in [client, node] {
        stream.set_nodelay(true)?;
    }
    pass(client.try_clone()?, node.try_clone()?);
    pass(node.try_clone()?, client.try_clone()?);
    Ok(())
}

/// Copies until one side ends, and then ends the other.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
