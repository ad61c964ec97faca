//! Ports that nobody else is given.

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};

/// They lie below those that the kernel hands to outgoing connections, one of which could take a
/// port between here and the listening of a program that was told it.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;

/// Locks of the ports that this process was given, held until it ends.
static GIVEN: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port on which nobody listens, TCP or UDP, on either loopback address, and which no other
/// test on this machine is given while this process lives.
pub fn free_port() -> u16 {
    // Each user of the machine has a folder: nobody may lock what is another's.
    let user = std::fs::metadata("/proc/self").map_or(0, |own| own.uid());
    let folder = std::env::temp_dir().join(format!("watchbell-test-ports-{user}"));
    std::fs::create_dir_all(&folder).expect("a folder for ports");
    let start = std::process::id() % u32::from(COUNT);
    for step in 0..u32::from(COUNT) {
        let offset = (start + step) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("below the count");
        let lock = File::create(folder.join(port.to_string())).expect("a lock file");
        if lock.try_lock().is_ok() && nobody_has(port) {
            GIVEN
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(lock);
            return port;
        }
    }
    panic!("no port is free");
}

fn nobody_has(port: u16) -> bool {
    let v6 = Ipv6Addr::LOCALHOST;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        // A machine without IPv6 has nobody there either.
        && (TcpListener::bind((v6, 0)).is_err() || TcpListener::bind((v6, port)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::free_port;

    #[test]
    fn no_port_is_given_twice() {
        let mut given: Vec<_> = (0..50).map(|_| free_port()).collect();
        given.sort_unstable();
        given.dedup();
        assert_eq!(given.len(), 50);
    }
}
