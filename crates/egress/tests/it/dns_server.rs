//! A name server that says what each name is told to say.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

/// What a name says.
#[derive(Debug, Clone)]
pub enum Say {
    /// These addresses, with this TTL.
    Addresses(&'static [&'static str], u32),
    /// The same, but only by TCP; a datagram is cut.
    Long(&'static [&'static str]),
    /// IPv4 addresses; any question for IPv6 fails with this code.
    OnlyV4(&'static str, ResponseCode),
    /// This code and nothing else.
    Code(ResponseCode),
    /// A code, unless the question comes without EDNS.
    NoEdns(&'static str),
    /// An address whose signatures do not fit: SERVFAIL, unless the question says not to check them.
    Bogus(&'static str),
    /// An alias alone, as a server that does not look further.
    Alias(&'static str),
    /// A whole chain of aliases, and these addresses at its end.
    Chain(&'static [&'static str], &'static [&'static str]),
    /// A message cut in its middle.
    Garbage,
    /// First an answer with another id, then one to another question, then the true one.
    AfterForgeries(&'static str),
    /// Nothing.
    Silence,
}

/// A running server.
pub struct DnsServer {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
    zone: Arc<Mutex<HashMap<String, Say>>>,
}

impl DnsServer {
    /// Says `zone`; the root answers as a living resolver does, other names do not exist.
    pub async fn start(zone: &[(&str, Say)]) -> Self {
        let mut zone: HashMap<_, _> = zone
            .iter()
            .map(|(name, say)| ((*name).to_owned(), say.clone()))
            .collect();
        zone.entry(".".to_owned())
            .or_insert(Say::Code(ResponseCode::NoError));
        let zone = Arc::new(Mutex::new(zone));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (udp, tcp) = bind().await;
        let address = udp.local_addr().unwrap();
        tokio::spawn(serve_udp(udp, zone.clone(), asked.clone()));
        tokio::spawn(serve_tcp(tcp, zone.clone()));
        Self {
            address,
            asked,
            zone,
        }
    }

    /// Changes what a name says.
    pub fn set(&self, name: &str, say: Say) {
        self.zone.lock().unwrap().insert(name.to_owned(), say);
    }

    /// How often datagrams asked for `name`.
    pub fn asked(&self, name: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|(asked, _)| asked == name)
            .count()
    }
}

/// A port that is free for both.
async fn bind() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

type Zone = Arc<Mutex<HashMap<String, Say>>>;

async fn serve_udp(socket: UdpSocket, zone: Zone, asked: Arc<Mutex<Vec<(String, RecordType)>>>) {
    let mut buffer = vec![0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let question = Message::from_vec(&buffer[..length]).unwrap();
        let query = &question.queries[0];
        asked
            .lock()
            .unwrap()
            .push((plain(query.name()), query.query_type()));
        for answer in answers(&question, &zone, false) {
            socket.send_to(&answer, from).await.unwrap();
        }
    }
}

async fn serve_tcp(listener: TcpListener, zone: Zone) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut buffer = vec![0; length.into()];
        stream.read_exact(&mut buffer).await.unwrap();
        let question = Message::from_vec(&buffer).unwrap();
        for answer in answers(&question, &zone, true) {
            stream
                .write_u16(u16::try_from(answer.len()).unwrap())
                .await
                .unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    }
}

fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    if text == "." {
        text
    } else {
        text.trim_end_matches('.').to_owned()
    }
}

fn answers(question: &Message, zone: &Zone, stream: bool) -> Vec<Vec<u8>> {
    let query = question.queries[0].clone();
    let name = query.name().clone();
    let say = zone.lock().unwrap().get(&plain(&name)).cloned();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.message_type = MessageType::Response;
    answer.add_query(query.clone());
    let wanted = query.query_type();
    match say.unwrap_or(Say::Code(ResponseCode::NXDomain)) {
        Say::Silence => return Vec::new(),
        Say::Addresses(ips, ttl) => add(&mut answer, &name, ips, ttl, wanted),
        Say::Long(_) if !stream => answer.metadata.truncation = true,
        Say::Long(ips) => add(&mut answer, &name, ips, 60, wanted),
        Say::OnlyV4(ip, _) if wanted == RecordType::A => add(&mut answer, &name, &[ip], 60, wanted),
        Say::OnlyV4(_, code) | Say::Code(code) => answer.metadata.response_code = code,
        Say::NoEdns(_) if question.edns.is_some() => {
            answer.metadata.response_code = ResponseCode::FormErr;
        }
        Say::Bogus(_) if !question.metadata.checking_disabled => {
            answer.metadata.response_code = ResponseCode::ServFail;
        }
        Say::Bogus(ip) | Say::NoEdns(ip) => add(&mut answer, &name, &[ip], 60, wanted),
        Say::Alias(target) => alias(&mut answer, &name, target),
        Say::Chain(targets, ips) => {
            let mut at = name;
            for target in targets {
                alias(&mut answer, &at, target);
                at = fqdn(target);
            }
            add(&mut answer, &at, ips, 60, wanted);
        }
        Say::Garbage => {
            add(&mut answer, &name, &["192.0.2.1"], 60, RecordType::A);
            let whole = answer.to_vec().unwrap();
            return vec![whole[..whole.len() - 3].to_vec()];
        }
        Say::AfterForgeries(ip) => {
            let mut other_id = answer.clone();
            other_id.metadata.id = answer.metadata.id.wrapping_add(1);
            add(&mut other_id, &name, &["10.6.6.6"], 60, wanted);
            let mut other_name = Message::response(question.metadata.id, OpCode::Query);
            let mut other_query = query.clone();
            other_query.set_name(fqdn("forged.example"));
            other_name.add_query(other_query);
            add(&mut other_name, &name, &["10.6.6.6"], 60, wanted);
            add(&mut answer, &name, &[ip], 60, wanted);
            return [other_id, other_name, answer]
                .iter()
                .map(|m| m.to_vec().unwrap())
                .collect();
        }
    }
    vec![answer.to_vec().unwrap()]
}

fn fqdn(name: &str) -> Name {
    let mut name = Name::from_str(name).unwrap();
    name.set_fqdn(true);
    name
}

fn alias(answer: &mut Message, name: &Name, target: &str) {
    let data = RData::CNAME(CNAME(fqdn(target)));
    answer.add_answer(Record::from_rdata(name.clone(), 60, data));
}

fn add(answer: &mut Message, name: &Name, ips: &[&str], ttl: u32, wanted: RecordType) {
    for ip in ips {
        let data = match ip.parse::<IpAddr>().unwrap() {
            IpAddr::V4(ip) if wanted == RecordType::A => RData::A(A(ip)),
            IpAddr::V6(ip) if wanted == RecordType::AAAA => RData::AAAA(AAAA(ip)),
            _ => continue,
        };
        answer.add_answer(Record::from_rdata(name.clone(), ttl, data));
    }
}
