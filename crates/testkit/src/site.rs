//! A target whose behaviour is switched while it runs.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What the site does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers 200 with [`GOOD_TEXT`].
    Fine,
    /// Answers this status with the page of a web server whose backend is gone.
    Status(u16),
    /// Answers as fine after this time.
    Slow(Duration),
    /// Answers this status to those whose `User-Agent` holds the text, and all others as fine.
    StatusFor {
        /// Who is refused.
        agent: String,
        /// Status.
        status: u16,
    },
    /// Answers this status with the page of a web server whose backend is gone, and as fine at one path.
    StatusBut {
        /// Status.
        status: u16,
        /// The path that is fine.
        fine: String,
    },
    /// Takes the request and never answers.
    Hang,
    /// Answers 200 with another text.
    WrongText,
    /// Answers this.
    Page {
        /// Status.
        status: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// Body.
        body: String,
    },
    /// Answers 200 with a page at one path, and this status with another page everywhere else.
    Pages {
        /// The path.
        at: String,
        /// What is there.
        good: String,
        /// Status of everything else.
        status: u16,
        /// What is there.
        other: String,
    },
    /// Accepts connections and resets them.
    Reset,
    /// Refuses connections.
    Refuse,
}

/// What the good page says.
pub const GOOD_TEXT: &str = "Everything is fine here.";

#[derive(Debug)]
struct State {
    /// A handle on the socket that listens; nothing while connections are refused.
    open: Mutex<Option<std::net::TcpListener>>,
    /// One that listens since connections are taken again.
    reopened: Mutex<Option<std::net::TcpListener>>,
    behaviour: Mutex<Behaviour>,
    changed: tokio::sync::watch::Sender<()>,
    requests: AtomicUsize,
    posts: tokio::sync::watch::Sender<Vec<Post>>,
    strays: Mutex<Vec<Post>>,
}

/// Something that was posted to the site, whatever it answered, or asked of it elsewhere than at its page.
#[derive(Debug, Clone)]
pub struct Post {
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Post {
    /// A header as text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or_default())
    }
}

/// A site on loopback.
#[derive(Debug)]
pub struct SwitchableSite {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for SwitchableSite {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SwitchableSite {
    /// Starts one that is fine.
    pub async fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST).await
    }

    /// The same on an address of this machine.
    pub async fn start_on(ip: Ipv4Addr) -> Self {
        Self::start_at((ip, 0).into()).await
    }

    /// The same at an address and port of this machine.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = listen(address);
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(State {
            open: Mutex::new(Some(listener.try_clone().expect("a handle"))),
            reopened: Mutex::new(Some(listener)),
            behaviour: Mutex::new(Behaviour::Fine),
            changed: tokio::sync::watch::Sender::new(()),
            requests: AtomicUsize::new(0),
            posts: tokio::sync::watch::Sender::new(Vec::new()),
            strays: Mutex::default(),
        });
        let task = tokio::spawn(run(state.clone()));
        Self {
            address,
            state,
            task,
        }
    }

    /// Behaves so from now on. Open connections are closed, as by a restart. Whoever connects after this
    /// is refused or taken as it says, whether the site has had its turn or not.
    pub fn set(&self, behaviour: Behaviour) {
        let mut open = self.state.open.lock().expect("no panic");
        match (&behaviour, open.take()) {
            (Behaviour::Refuse, closing) => {
                let how = std::net::Shutdown::Both;
                // A socket that listens stops listening by this, on Linux.
                closing.map(|socket| socket2::SockRef::from(&socket).shutdown(how));
            }
            (_, Some(still)) => *open = Some(still),
            (_, None) => {
                let listener = listen(self.address);
                *open = Some(listener.try_clone().expect("a handle"));
                *self.state.reopened.lock().expect("no panic") = Some(listener);
            }
        }
        drop(open);
        *self.state.behaviour.lock().expect("no panic") = behaviour;
        self.state.changed.send_replace(());
    }

    /// Requests taken so far, and connections reset.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// What was posted so far.
    pub fn posts(&self) -> Vec<Post> {
        self.state.posts.borrow().clone()
    }

    /// What was asked of [`Behaviour::Pages`] elsewhere than at its page.
    pub fn strays(&self) -> Vec<Post> {
        self.state.strays.lock().expect("no panic").clone()
    }

    /// Waits until so much was posted.
    pub async fn wait_for_posts(&self, count: usize) -> Vec<Post> {
        let mut posts = self.state.posts.subscribe();
        let there = posts.wait_for(|posts| posts.len() >= count).await;
        there.expect("the site lives").clone()
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl State {
    fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().expect("no panic").clone()
    }
}

fn listen(address: SocketAddr) -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind(address).expect("the address takes a listener");
    listener.set_nonblocking(true).expect("a socket");
    listener
}

/// Serves until told to refuse; then the listener is gone until told otherwise.
async fn run(state: Arc<State>) {
    let mut changed = state.changed.subscribe();
    let mut listener = None;
    let mut served = JoinSet::new();
    loop {
        changed.mark_unchanged();
        let reopened = state.reopened.lock().expect("no panic").take();
        if let Some(reopened) = reopened {
            listener = Some(TcpListener::from_std(reopened).expect("a runtime"));
        }
        if state.behaviour() == Behaviour::Refuse {
            listener = None;
        }
        let Some(open) = &listener else {
            served.abort_all();
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => {
                if let Ok((stream, _)) = accepted {
                    served.spawn(serve(stream, state.clone()));
                }
            }
            _ = changed.changed() => served.abort_all(),
        }
        while served.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    if state.behaviour() == Behaviour::Reset {
        state.requests.fetch_add(1, Ordering::SeqCst);
        let _ = stream.set_zero_linger();
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(&state, request).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(state: &State, request: Request<Incoming>) -> Response<Full<Bytes>> {
    state.requests.fetch_add(1, Ordering::SeqCst);
    let (request, body) = request.into_parts();
    // Before anybody hears of the request: who heard of it may switch.
    let behaviour = state.behaviour();
    if request.method == Method::POST {
        let body = body.collect().await.map(|body| body.to_bytes());
        let post = Post {
            path: request.uri.to_string(),
            headers: request.headers.clone(),
            body: body.unwrap_or_default(),
        };
        state.posts.send_modify(|posts| posts.push(post));
    }
    match behaviour {
        Behaviour::Fine | Behaviour::Reset | Behaviour::Refuse => page(200, &[], GOOD_TEXT),
        Behaviour::Slow(delay) => {
            tokio::time::sleep(delay).await;
            page(200, &[], GOOD_TEXT)
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::WrongText => page(200, &[], "Error establishing a database connection"),
        Behaviour::StatusFor { agent, status } => {
            let theirs = request.headers.get(http::header::USER_AGENT);
            let refused =
                theirs.is_some_and(|text| text.to_str().is_ok_and(|text| text.contains(&agent)));
            if refused {
                page(status, &[], &backend_gone(status))
            } else {
                page(200, &[], GOOD_TEXT)
            }
        }
        Behaviour::Pages { at, good, .. } if request.uri.path() == at => page(200, &[], &good),
        Behaviour::Pages { status, other, .. } => {
            let stray = Post {
                path: request.uri.to_string(),
                headers: request.headers.clone(),
                body: Bytes::new(),
            };
            state.strays.lock().expect("no panic").push(stray);
            page(status, &[], &other)
        }
        Behaviour::StatusBut { ref fine, .. } if request.uri.path() == *fine => {
            page(200, &[], GOOD_TEXT)
        }
        Behaviour::StatusBut { status, .. } | Behaviour::Status(status) => page(
            status,
            &[("server".to_owned(), "nginx".to_owned())],
            &backend_gone(status),
        ),
        Behaviour::Page {
            status,
            headers,
            body,
        } => page(status, &headers, &body),
    }
}

fn page(status: u16, headers: &[(String, String)], body: &str) -> Response<Full<Bytes>> {
    let mut builder = Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8");
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a valid answer")
}

fn backend_gone(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("Error");
    format!(
        "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1>\
         </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}
