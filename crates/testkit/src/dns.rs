//! A DNS server (RFC 1035) that answers as told, over UDP and where it was cut over TCP.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

/// What a name's questions are answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These addresses; the family that was asked for.
    Addresses(Vec<IpAddr>),
    /// The name exists without an address.
    Empty,
    /// An answer code (RFC 1035, 4.1.1): 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED, 4 NOTIMP.
    Code(u8),
    /// These addresses with signatures that do not fit: SERVFAIL from one who checks them, unless the
    /// question says not to (the CD bit, RFC 4035, 3.2.2).
    Bogus(Vec<IpAddr>),
    /// Points to another name, which is then answered too.
    Alias(String),
    /// Records of any type: its number, and the data as it is on the wire.
    Records(Vec<(u16, Vec<u8>)>),
    /// As many addresses as an answer over TCP holds; the datagram says that it was cut.
    Giant,
    /// Nothing at all.
    Silence,
    /// Bytes that are no answer.
    Garbage,
}

impl Answer {
    /// NXDOMAIN.
    pub const NXDOMAIN: Self = Self::Code(3);
    /// SERVFAIL.
    pub const SERVFAIL: Self = Self::Code(2);
    /// REFUSED.
    pub const REFUSED: Self = Self::Code(5);
}

type Names = Arc<Mutex<HashMap<String, Answer>>>;

/// A DNS server on loopback.
#[derive(Debug)]
pub struct FakeDns {
    address: SocketAddr,
    names: Names,
    queries: Arc<AtomicUsize>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for FakeDns {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl FakeDns {
    /// Starts one that knows no name; questions for unknown names get NXDOMAIN, the root gets an
    /// empty good answer, so that it passes for a living server.
    pub async fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST).await
    }

    /// The same on an address of this machine.
    pub async fn start_on(ip: Ipv4Addr) -> Self {
        let socket = UdpSocket::bind((ip, 0))
            .await
            .expect("the address takes a socket");
        let address = socket.local_addr().expect("a socket has an address");
        let names = Names::default();
        let queries = Arc::new(AtomicUsize::new(0));
        let (known, count) = (names.clone(), queries.clone());
        let streams = tokio::spawn(over_tcp(address, names.clone()));
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = reply(&buffer[..length], &known.lock().expect("no panic"), false);
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self {
            address,
            names,
            queries,
            tasks: [task, streams],
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers questions for `name` so from now on.
    pub fn set(&self, name: &str, answer: Answer) {
        self.names
            .lock()
            .expect("no panic")
            .insert(name.to_lowercase(), answer);
    }

    /// Points `name` to 127.0.0.1.
    pub fn set_loopback(&self, name: &str) {
        self.set(
            name,
            Answer::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        );
    }

    /// Questions so far.
    pub fn queries(&self) -> usize {
        self.queries.load(Ordering::SeqCst)
    }
}

struct Question {
    name: String,
    kind: u16,
    /// The question's own bytes.
    bytes: Vec<u8>,
}

fn question(message: &[u8]) -> Option<Question> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]);
    Some(Question {
        name: labels.join("."),
        kind,
        bytes: message.get(12..at + 4)?.to_vec(),
    })
}

/// Answers one question on each connection. Without a port of its own it leaves that to others.
async fn over_tcp(address: SocketAddr, names: Names) {
    let Ok(listener) = TcpListener::bind(address).await else {
        return;
    };
    while let Ok((mut stream, _)) = listener.accept().await {
        let Ok(length) = stream.read_u16().await else {
            continue;
        };
        let mut message = vec![0; length.into()];
        if stream.read_exact(&mut message).await.is_err() {
            continue;
        }
        let answer = reply(&message, &names.lock().expect("no panic"), true);
        if let Some(answer) = answer {
            let length = u16::try_from(answer.len()).expect("short").to_be_bytes();
            let _ = stream.write_all(&[&length[..], &answer].concat()).await;
        }
    }
}

/// The header of 12 bytes, the question, and records that say "the name asked for" in two bytes.
fn giant(id: &[u8], question: &Question) -> Vec<u8> {
    let data: &[u8] = match question.kind {
        28 => &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1],
        _ => &[127, 0, 0, 1],
    };
    let mut entry = vec![0xC0, 12];
    entry.extend(question.kind.to_be_bytes());
    entry.extend([0, 1, 0, 0, 0, 60, 0]);
    entry.push(u8::try_from(data.len()).expect("short"));
    entry.extend_from_slice(data);
    let room = usize::from(u16::MAX) - 12 - question.bytes.len();
    let count = u16::try_from(room / entry.len()).expect("short");
    let mut out = [id, &[0x81, 0x80, 0, 1]].concat();
    out.extend(count.to_be_bytes());
    out.extend([0; 4]);
    out.extend(&question.bytes);
    out.extend(entry.repeat(count.into()));
    out
}

fn reply(message: &[u8], names: &HashMap<String, Answer>, over_tcp: bool) -> Option<Vec<u8>> {
    let question = question(message)?;
    let id = message.get(..2)?;
    let unchecked = message.get(3)? & 0x10 != 0;
    let mut records = Vec::new();
    let mut code = 0;
    let mut name = question.name.clone();
    // An alias that loops is sent once around; the one who asks finds the loop.
    for _ in 0..32 {
        match names.get(&name) {
            None if name.is_empty() => {}
            None => code = 3,
            Some(Answer::Silence) => return None,
            Some(Answer::Giant) if over_tcp => return Some(giant(id, &question)),
            Some(Answer::Giant) => {
                let cut = [id, &[0x83, 0x80, 0, 1, 0, 0, 0, 0, 0, 0], &question.bytes];
                return Some(cut.concat());
            }
            Some(Answer::Garbage) => {
                return Some([id, &[0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xFF]].concat());
            }
            Some(Answer::Code(wanted)) => code = *wanted,
            Some(Answer::Empty) => {}
            Some(Answer::Bogus(_)) if !unchecked => code = 2,
            Some(Answer::Addresses(addresses) | Answer::Bogus(addresses)) => {
                records.extend(
                    addresses
                        .iter()
                        .filter_map(|ip| record(&name, question.kind, *ip)),
                );
            }
            Some(Answer::Records(all)) => {
                let fitting = all.iter().filter(|(kind, _)| *kind == question.kind);
                records.extend(fitting.map(|(kind, data)| entry(&name, *kind, data)));
            }
            Some(Answer::Alias(to)) => {
                let entry = entry(&name, 5, &encode(to));
                if records.contains(&entry) {
                    break;
                }
                records.push(entry);
                name = to.to_lowercase();
                continue;
            }
        }
        break;
    }
    let count = u16::try_from(records.len())
        .expect("few records")
        .to_be_bytes();
    let mut out = id.to_vec();
    out.extend([0x81, 0x80 | code, 0, 1, count[0], count[1], 0, 0, 0, 0]);
    out.extend(question.bytes);
    out.extend(records.concat());
    Some(out)
}

fn record(name: &str, kind: u16, ip: IpAddr) -> Option<Vec<u8>> {
    match (kind, ip) {
        (1, IpAddr::V4(ip)) => Some(entry(name, 1, &ip.octets())),
        (28, IpAddr::V6(ip)) => Some(entry(name, 28, &ip.octets())),
        _ => None,
    }
}

fn entry(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = encode(name);
    out.extend(kind.to_be_bytes());
    out.extend([0, 1, 0, 0, 0, 0]);
    out.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
    out.extend_from_slice(data);
    out
}

/// Numbers and names as record data: `data(&[10], &["mail.example"])` is an MX.
pub fn data(numbers: &[u16], names: &[&str]) -> Vec<u8> {
    let mut out: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    out.extend(names.iter().flat_map(|name| encode(name)));
    out
}

/// The data of a TXT record of several strings.
pub fn texts(texts: &[&str]) -> Vec<u8> {
    let string = |text: &&str| {
        let length = u8::try_from(text.len()).expect("short");
        [&[length][..], text.as_bytes()].concat()
    };
    texts.iter().flat_map(string).collect()
}

fn encode(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).expect("short"));
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}
