//! A network of its own for a process, joined to this machine by one wire that can be cut.

use std::net::Ipv4Addr;

use tokio::process::Command;

/// A network namespace and a pair of virtual cards.
pub struct Network {
    /// Its name for `ip netns`.
    pub name: String,
    card: String,
    /// This machine, seen from inside.
    pub outside: Ipv4Addr,
    /// The process, seen from this machine.
    pub inside: Ipv4Addr,
}

impl Drop for Network {
    fn drop(&mut self) {
        let _gone = std::process::Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}

async fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip")
        .args(words.split(' '))
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "ip {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

impl Network {
    /// Makes one; an error where this machine does not allow it.
    pub async fn new() -> Result<Self, String> {
        let number = std::process::id() % 60_000 + 1;
        let (high, low) = (number / 250, number % 250);
        let part = |last: u8| {
            let octet = |n: u32| u8::try_from(n).expect("below 250");
            Ipv4Addr::new(10, octet(high), octet(low), last)
        };
        let network = Self {
            name: format!("watchbell{number}"),
            card: format!("wb{number}"),
            outside: part(1),
            inside: part(2),
        };
        let Self {
            name,
            card,
            outside,
            inside,
        } = &network;
        for words in [
            format!("netns add {name}"),
            format!("link add {card} type veth peer name eth0 netns {name}"),
            format!("addr add {outside}/24 dev {card}"),
            format!("link set {card} up"),
            format!("-n {name} addr add {inside}/24 dev eth0"),
            format!("-n {name} link set lo up"),
            format!("-n {name} link set eth0 up"),
            format!("-n {name} route add default via {outside}"),
        ] {
            ip(&words).await?;
        }
        Ok(network)
    }

    /// Cuts the wire: packets vanish, as behind a dead router.
    pub async fn cut(&self) {
        ip(&format!("link set {} down", self.card))
            .await
            .expect("the wire is cut");
    }

    /// Mends it.
    pub async fn mend(&self) {
        ip(&format!("link set {} up", self.card))
            .await
            .expect("the wire is mended");
    }
}
