//! The wire between the program and Postgres, held open at a chosen statement of a chosen transaction.
//!
//! It reads what the program sends (the frontend messages of the protocol), so that it knows which
//! transaction a statement belongs to and whose row it is about. A transaction that is to be held stops
//! there for ever: its program is killed, and the wire is cut.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// Where a transaction of a kind stands: a row's id, and the statement that begins it.
pub type Which = (&'static str, Uuid);

/// At which statement a transaction is held, counted from 1; COMMIT is one of them. One more than there
/// are is after COMMIT, whose answer the program never hears.
pub type Point = usize;

#[derive(Debug, Default)]
struct Book {
    /// Transactions that are known by a statement which begins so.
    marks: Vec<&'static str>,
    planned: HashMap<Which, Point>,
    held: HashSet<Which>,
    /// Transactions that were planned to be held and were shorter than that, with what they said.
    passed: HashMap<Which, Vec<String>>,
    /// Transactions that were planned to be held and ended with ROLLBACK before that, with what they said.
    undone: Vec<(Which, Vec<String>)>,
    /// Statements of each transaction that came to its end.
    lengths: HashMap<Which, usize>,
}

/// The wire; cut when dropped.
pub struct Wire {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    changed: Arc<Notify>,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    /// Lays one to the database at `url`; it knows transactions by these statements.
    pub async fn to(url: &str, marks: &[&'static str]) -> Self {
        let server = url
            .split_once('@')
            .and_then(|(_, rest)| rest.split_once('/'))
            .expect("a database URL")
            .0
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a port");
        let book = Arc::new(Mutex::new(Book {
            marks: marks.to_vec(),
            ..Book::default()
        }));
        let (changed, connections) = (Arc::new(Notify::new()), Arc::default());
        let wire = (
            Arc::clone(&book),
            Arc::clone(&changed),
            Arc::clone(&connections),
        );
        let accepting = tokio::spawn(async move {
            let (book, changed, connections): (_, _, Arc<Mutex<JoinSet<()>>>) = wire;
            while let Ok((program, _)) = listener.accept().await {
                let Ok(database) = TcpStream::connect(&server).await else {
                    continue;
                };
                let _ = (program.set_nodelay(true), database.set_nodelay(true));
                let line = Line::new(Arc::clone(&book), Arc::clone(&changed));
                lock(&connections).spawn(line.run(program, database));
            }
        });
        Self {
            address,
            book,
            changed,
            connections,
            accepting,
        }
    }

    /// The same database by this wire.
    pub fn url(&self, url: &str) -> String {
        let (user, rest) = url.split_once('@').expect("a database URL");
        let (_, name) = rest.split_once('/').expect("a database");
        // What is held here is to stay open for as long as it is held.
        let patience = "options=-c%20idle_in_transaction_session_timeout%3D0";
        format!("{user}@{}/{name}?sslmode=disable&{patience}", self.address)
    }

    /// From now on these are held, and no others.
    pub fn plan(&self, planned: impl IntoIterator<Item = (Which, Point)>) {
        let mut book = lock(&self.book);
        book.planned = planned.into_iter().collect();
        book.held.clear();
        book.passed.clear();
    }

    /// Waits until all that are planned are held, or have been found to be shorter.
    pub async fn all_held(&self) {
        loop {
            let news = self.changed.notified();
            {
                let book = lock(&self.book);
                if book.held.len() + book.passed.len() >= book.planned.len() {
                    return;
                }
            }
            news.await;
        }
    }

    /// Those that were planned to be held and were shorter than that.
    pub fn passed(&self) -> HashMap<Which, Vec<String>> {
        lock(&self.book).passed.clone()
    }

    /// Those that were planned to be held and ended with ROLLBACK first, with what they said; each once.
    pub fn take_undone(&self) -> Vec<(Which, Vec<String>)> {
        std::mem::take(&mut lock(&self.book).undone)
    }

    /// Those that are planned and have not come to their point.
    pub fn missing(&self) -> Vec<(Which, Point)> {
        let book = lock(&self.book);
        let is_there = |which: &Which| book.held.contains(which) || book.passed.contains_key(which);
        book.planned
            .iter()
            .filter(|(which, _)| !is_there(which))
            .map(|(which, point)| (*which, *point))
            .collect()
    }

    /// How many statements the longest transaction of each row had, COMMIT among them.
    pub fn lengths(&self) -> HashMap<Which, usize> {
        lock(&self.book).lengths.clone()
    }

    /// From now on it counts anew.
    pub fn forget_lengths(&self) {
        lock(&self.book).lengths.clear();
    }

    /// Cuts every connection: the database ends what was not committed.
    pub async fn cut(&self) {
        let mut connections = std::mem::take(&mut *lock(&self.connections));
        connections.shutdown().await;
        self.plan([]);
    }
}

/// One connection.
struct Line {
    book: Arc<Mutex<Book>>,
    changed: Arc<Notify>,
    /// Prepared statements by name.
    prepared: HashMap<String, String>,
    /// The open transaction: statements so far, and what it is.
    open: Option<(usize, Option<Which>)>,
    /// The beginnings of its statements.
    said: Vec<String>,
    started: bool,
}

/// What is to become of a message of the program.
enum Fate {
    Goes,
    /// It never arrives.
    Held,
    /// It arrives, and its answer does not.
    Unanswered,
}

impl Line {
    fn new(book: Arc<Mutex<Book>>, changed: Arc<Notify>) -> Self {
        Self {
            book,
            changed,
            prepared: HashMap::new(),
            open: None,
            said: Vec::new(),
            started: false,
        }
    }

    async fn run(mut self, program: TcpStream, database: TcpStream) {
        let (mut from_program, to_program) = program.into_split();
        let (from_database, mut to_database) = database.into_split();
        let (silence, hush) = (Arc::new(Mutex::new(false)), Arc::new(Notify::new()));
        let mut answers = JoinSet::new();
        answers.spawn(answer(
            from_database,
            to_program,
            Arc::clone(&silence),
            Arc::clone(&hush),
        ));
        let (mut pending, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            let Ok(count @ 1..) = from_program.read(&mut chunk).await else {
                return;
            };
            pending.extend_from_slice(&chunk[..count]);
            while let Some(length) = self.length(&pending) {
                let message: Vec<u8> = pending.drain(..length).collect();
                let fate = self.judge(&message);
                if matches!(fate, Fate::Held) {
                    self.changed.notify_waiters();
                    std::future::pending::<()>().await;
                }
                if matches!(fate, Fate::Unanswered) {
                    *lock(&silence) = true;
                }
                if to_database.write_all(&message).await.is_err() {
                    return;
                }
                if matches!(fate, Fate::Unanswered) {
                    hush.notified().await;
                    self.note_held();
                    self.changed.notify_waiters();
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// How long the first message is, once all of it has come.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        let at = usize::from(self.started);
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let length = at + usize::try_from(length).ok()?;
        (bytes.len() >= length).then_some(length)
    }

    fn judge(&mut self, message: &[u8]) -> Fate {
        if !self.started {
            self.started = true;
            return Fate::Goes;
        }
        let (kind, body) = (message[0], &message[5..]);
        match kind {
            b'P' => {
                let (name, rest) = text(body);
                self.prepared.insert(name, text(rest).0);
                Fate::Goes
            }
            b'B' => {
                let (_, rest) = text(body);
                let (name, values) = text(rest);
                let sql = self.prepared.get(&name).cloned().unwrap_or_default();
                self.statement(&sql, values)
            }
            b'Q' => {
                let sql = text(body).0;
                self.simple(&sql)
            }
            _ => Fate::Goes,
        }
    }

    fn simple(&mut self, sql: &str) -> Fate {
        match sql.trim().split([' ', ';']).next().unwrap_or_default() {
            "BEGIN" => {
                self.open = Some((0, None));
                self.said.clear();
                Fate::Goes
            }
            "ROLLBACK" => {
                self.undo();
                Fate::Goes
            }
            "COMMIT" => {
                let fate = self.statement(sql, &[]);
                if matches!(fate, Fate::Held) {
                    return fate;
                }
                if self.is_planned_after() {
                    return Fate::Unanswered;
                }
                self.end();
                fate
            }
            _ => self.statement(sql, &[]),
        }
    }

    /// One more statement of the open transaction.
    fn statement(&mut self, sql: &str, values: &[u8]) -> Fate {
        let Some((count, which)) = &mut self.open else {
            return Fate::Goes;
        };
        *count += 1;
        self.said.push(sql.chars().take(90).collect());
        let book = lock(&self.book);
        if which.is_none() {
            let mark = book.marks.iter().find(|mark| sql.contains(**mark));
            *which = mark.and_then(|mark| {
                let first = values
                    .windows(16)
                    .filter_map(|id| Uuid::from_slice(id).ok());
                // Only ids that somebody asks for are told from other bytes.
                let mut known = first.filter(|id| book.planned.contains_key(&(*mark, *id)));
                known
                    .next()
                    .or_else(|| last_id(values))
                    .map(|id| (*mark, id))
            });
        }
        let held = which.is_some_and(|which| {
            book.planned.get(&which) == Some(&*count) && !book.held.contains(&which)
        });
        drop(book);
        if held {
            self.note_held();
            return Fate::Held;
        }
        Fate::Goes
    }

    fn is_planned_after(&self) -> bool {
        let Some((count, Some(which))) = self.open else {
            return false;
        };
        let book = lock(&self.book);
        book.planned.get(&which) == Some(&(count + 1)) && !book.held.contains(&which)
    }

    fn note_held(&self) {
        let Some((_, Some(which))) = self.open else {
            return;
        };
        lock(&self.book).held.insert(which);
    }

    /// It did not happen. Whoever began it does so again, and is held then.
    fn undo(&mut self) {
        let Some((_, Some(which))) = self.open.take() else {
            return;
        };
        let mut book = lock(&self.book);
        if book.planned.contains_key(&which) && !book.held.contains(&which) {
            book.undone.push((which, std::mem::take(&mut self.said)));
        }
    }

    fn end(&mut self) {
        let Some((count, Some(which))) = self.open.take() else {
            return;
        };
        let mut book = lock(&self.book);
        let longest = book.lengths.entry(which).or_default();
        *longest = count.max(*longest);
        if book.planned.contains_key(&which) && !book.held.contains(&which) {
            book.passed.insert(which, std::mem::take(&mut self.said));
        }
        drop(book);
        self.changed.notify_waiters();
    }
}

/// What the database says, until it is to say nothing more.
async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    silence: Arc<Mutex<bool>>,
    hush: Arc<Notify>,
) {
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        if *lock(&silence) {
            hush.notify_one();
            continue;
        }
        if to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

/// A text that ends with zero, and what comes after it.
fn text(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0);
    let end = end.unwrap_or(bytes.len());
    let rest = bytes.get(end + 1..).unwrap_or_default();
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), rest)
}

/// The second value of a Bind message where it is an id: `(account, row, …)` as everywhere in the store.
fn last_id(values: &[u8]) -> Option<Uuid> {
    let number = |at: usize| {
        let bytes = values.get(at..at + 2)?;
        Some(usize::from(u16::from_be_bytes(bytes.try_into().ok()?)))
    };
    let formats = number(0)?;
    let first = 2 + formats * 2 + 2;
    let length = |at: usize| {
        let bytes = values.get(at..at + 4)?;
        usize::try_from(i32::from_be_bytes(bytes.try_into().ok()?)).ok()
    };
    let second = first + 4 + length(first)?;
    (length(second)? == 16).then(|| Uuid::from_slice(&values[second + 4..second + 20]).ok())?
}
