//! A mail relay on loopback that takes mail, or misbehaves at one point of the session.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the relay does in the next session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Never greets.
    HangAtBanner,
    /// Greets with that line, such as `421 too busy`.
    Banner(&'static str),
    /// Answers the recipient with that line, such as `451 4.7.1 greylisted`.
    Recipient(&'static str),
    /// Answers the end of the message with that line.
    Message(&'static str),
    /// Takes the message and closes without an answer.
    DropAfterData,
    /// Reads the message and closes without an answer or keeping it.
    LoseAfterData,
    /// Closes at the sender's address.
    DropBeforeData,
    /// Never answers that it wants the message.
    HangAtData,
    /// Resets the connection at the sender's address.
    Reset,
}

/// A mail that the relay took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of a mail")]
pub struct Taken {
    pub to: String,
    pub data: String,
}

impl Taken {
    /// The first header of that name, unfolded lines only.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.data
            .lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim())
            })
    }
}

#[derive(Debug, Default)]
struct Ledger {
    taken: Vec<Taken>,
    faults: VecDeque<Fault>,
    hanging: HashSet<String>,
    sessions: usize,
}

/// The relay; it ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    ledger: Arc<Mutex<Ledger>>,
    took: Arc<Notify>,
    serving: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// Starts a relay on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let ledger = Arc::<Mutex<Ledger>>::default();
        let took = Arc::new(Notify::new());
        let (shared, heard) = (Arc::clone(&ledger), Arc::clone(&took));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared), Arc::clone(&heard)));
            }
        });
        Self {
            address,
            ledger,
            took,
            serving,
        }
    }

    /// The value of WATCHBELL_SMTP_URL.
    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// The next session meets `fault`; several are met in order.
    pub fn fail_next(&self, fault: Fault) {
        lock(&self.ledger).faults.push_back(fault);
    }

    /// Mail to that address is read and never answered, from now on or until `hangs` is false.
    pub fn hang_for(&self, address: &str, hangs: bool) {
        let mut ledger = lock(&self.ledger);
        if hangs {
            ledger.hanging.insert(address.to_owned());
        } else {
            ledger.hanging.remove(address);
        }
    }

    /// Every mail it took, once it has taken `count` for that address.
    pub async fn wait_for(&self, address: &str, count: usize) -> Vec<Taken> {
        loop {
            let news = self.took.notified();
            let taken = self.taken();
            if taken.iter().filter(|one| one.to == address).count() >= count {
                return taken;
            }
            news.await;
        }
    }

    /// Every mail it took.
    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.ledger).taken.clone()
    }

    /// Sessions so far.
    pub fn sessions(&self) -> usize {
        lock(&self.ledger).sessions
    }
}

async fn serve(stream: TcpStream, ledger: Arc<Mutex<Ledger>>, took: Arc<Notify>) {
    let fault = {
        let mut ledger = lock(&ledger);
        ledger.sessions += 1;
        ledger.faults.pop_front()
    };
    let mut session = Session {
        stream: BufReader::new(stream),
        ledger,
        took,
        fault,
        to: String::new(),
    };
    let _ = session.run().await;
}

struct Session {
    stream: BufReader<TcpStream>,
    ledger: Arc<Mutex<Ledger>>,
    took: Arc<Notify>,
    fault: Option<Fault>,
    to: String,
}

impl Session {
    async fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.stream
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .await
    }

    async fn run(&mut self) -> std::io::Result<()> {
        match self.fault {
            Some(Fault::HangAtBanner) => {
                let mut rest = Vec::new();
                self.stream.read_to_end(&mut rest).await?;
                return Ok(());
            }
            Some(Fault::Banner(line)) => return self.say(line).await,
            _ => self.say("220 relay.example ESMTP").await?,
        }
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_owned();
            if !self.answer(&command).await? {
                return Ok(());
            }
        }
    }

    /// `false` ends the session.
    async fn answer(&mut self, command: &str) -> std::io::Result<bool> {
        let word = command
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match word.as_str() {
            "EHLO" | "HELO" => {
                self.say("250-relay.example\r\n250-8BITMIME\r\n250 SIZE 10485760")
                    .await?
            }
            "MAIL" if self.fault == Some(Fault::DropBeforeData) => return Ok(false),
            "MAIL" if self.fault == Some(Fault::Reset) => {
                self.stream.get_ref().set_zero_linger()?;
                return Ok(false);
            }
            "DATA" if self.fault == Some(Fault::HangAtData) => {
                let mut rest = Vec::new();
                self.stream.read_to_end(&mut rest).await?;
                return Ok(false);
            }
            "RCPT" => {
                self.to = command
                    .split(['<', '>'])
                    .nth(1)
                    .unwrap_or_default()
                    .to_owned();
                match self.fault {
                    Some(Fault::Recipient(line)) => self.say(line).await?,
                    _ => self.say("250 2.1.5 Ok").await?,
                }
            }
            "DATA" => return self.data().await,
            "QUIT" => {
                self.say("221 2.0.0 Bye").await?;
                return Ok(false);
            }
            _ => self.say("250 2.0.0 Ok").await?,
        }
        Ok(true)
    }

    async fn data(&mut self) -> std::io::Result<bool> {
        self.say("354 End with a dot").await?;
        let mut data = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            if line == ".\r\n" {
                break;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
        if lock(&self.ledger).hanging.contains(&self.to) {
            let mut rest = Vec::new();
            self.stream.read_to_end(&mut rest).await?;
            return Ok(false);
        }
        match self.fault {
            Some(Fault::LoseAfterData) => return Ok(false),
            Some(Fault::Message(line)) => {
                self.say(line).await?;
                return Ok(true);
            }
            _ => {}
        }
        lock(&self.ledger).taken.push(Taken {
            to: self.to.clone(),
            data: data.replace("\r\n", "\n"),
        });
        self.took.notify_one();
        if self.fault == Some(Fault::DropAfterData) {
            return Ok(false);
        }
        self.say("250 2.0.0 Ok: queued as 4T1").await?;
        Ok(true)
    }
}
