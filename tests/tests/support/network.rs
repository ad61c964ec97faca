//! A network of its own for a process, joined to this machine by one wire that can be cut.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

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
    tool("ip", words).await
}

async fn tool(name: &str, words: &str) -> Result<(), String> {
    let output = Command::new(name)
        .args(words.split(' '))
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{name} {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Tells the networks of one process apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Network {
    /// Makes one; an error where this machine does not allow it.
    pub async fn new() -> Result<Self, String> {
        let nth = NUMBER.fetch_add(1, Ordering::Relaxed);
        let number = std::process::id().wrapping_mul(16).wrapping_add(nth % 16) % 60_000 + 1;
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

    /// This machine answers for that address too.
    pub async fn answer_for(&self, address: Ipv4Addr) -> Result<(), String> {
        ip(&format!("addr add {address}/32 dev {}", self.card)).await
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

    /// From now on so many of each hundred packets are lost, each way: by the queue of the kernel that
    /// is made for it, or by its packet filter where there is none. An error where there is neither.
    pub async fn lose(&self, percent: u8) -> Result<(), String> {
        let Self { name, card, .. } = self;
        let queued = |ends: &str| format!("{ends} root netem loss {percent}%");
        let (out, back) = (
            format!("qdisc add dev {card}"),
            "qdisc add dev eth0".to_owned(),
        );
        if tool("tc", &queued(&out)).await.is_ok() {
            return ip(&format!("netns exec {name} tc {}", queued(&back))).await;
        }
        for chain in ["INPUT", "OUTPUT"] {
            let rule = "-m statistic --mode random --probability";
            let chance = f64::from(percent) / 100.0;
            ip(&format!(
                "netns exec {name} iptables -A {chain} {rule} {chance} -j DROP"
            ))
            .await?;
        }
        Ok(())
    }

    /// Nothing is lost any more.
    pub async fn lose_nothing(&self) {
        let Self { name, card, .. } = self;
        let queue = tool("tc", &format!("qdisc del dev {card} root")).await;
        let inside = format!("netns exec {name} tc qdisc del dev eth0 root");
        let filter = ip(&format!("netns exec {name} iptables -F")).await;
        assert!(
            (queue.is_ok() && ip(&inside).await.is_ok()) || filter.is_ok(),
            "the loss ends"
        );
    }
}
