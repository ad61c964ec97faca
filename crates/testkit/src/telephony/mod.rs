//! A telephone provider on loopback that speaks the Twilio-compatible protocol: it checks sign-in and
//! form fields as the provider's description says, keeps what it accepted, lists it, sends signed
//! status callbacks, lets calls ring and presses keys in them, and misbehaves when told to.

mod answer;
mod calls;
mod wire;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::clock::{Clock, SystemClock};
use domain::telephony::{SIGNATURE_HEADER, signature};
use egress::Trusted;
use egress::http::{ProviderClient, Request};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use url::Url;

pub use calls::Call;
pub use wire::Recorded;

/// The account every fake has.
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// Its auth token.
pub const AUTH_TOKEN: &str = "an-auth-token-of-the-fake";
/// Its sender.
pub const FROM: &str = "+15005550006";

/// What the provider does with the next request instead of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 400 with that error code.
    Refuse(u32),
    /// 401.
    Unauthorized,
    /// 429 with `Retry-After` in seconds.
    TooMany(u32),
    /// That status with an empty body.
    Status(u16),
    /// Takes the request and never answers.
    Hang,
    /// Takes the message and never answers.
    AcceptThenHang,
    /// Resets the connection.
    Reset,
    /// Takes the message, then resets the connection before it answers.
    AcceptThenReset,
}

/// A message that the provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the provider's message")]
pub struct Sms {
    pub sid: String,
    pub to: String,
    pub from: String,
    pub body: String,
    pub status_callback: Option<String>,
    pub created_at: Timestamp,
    pub status: String,
}

/// What becomes of messages without being told one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Callbacks `sent` and `delivered`.
    Delivered,
    /// Callbacks `sent` and `undelivered` with that error code.
    Undelivered(u32),
    /// No callbacks.
    Silence,
}

/// Who picks up a call that rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pickup {
    /// A person who presses these keys one after the other, and hangs up after the last answer.
    Person(String),
    /// An answering machine.
    Machine,
    /// Nobody.
    NoAnswer,
    /// The line is busy.
    Busy,
    /// The network does not connect it.
    Failed,
}

#[derive(Debug, Default)]
struct Ledger {
    messages: Vec<Sms>,
    calls: Vec<Call>,
    requests: Vec<Recorded>,
    faults: VecDeque<Fault>,
    callbacks: Vec<(String, String, Option<u16>)>,
}

#[derive(Debug)]
struct State {
    ledger: Mutex<Ledger>,
    count: watch::Sender<usize>,
    calls: watch::Sender<usize>,
    fate: Mutex<Fate>,
    pickup: Mutex<Option<Pickup>>,
    serial: AtomicU64,
}

impl State {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, sid: &str) -> Option<Call> {
        let ledger = self.ledger();
        ledger.calls.iter().find(|call| call.sid == sid).cloned()
    }

    fn hear(&self, sid: &str, said: &[String]) {
        let mut ledger = self.ledger();
        if let Some(call) = ledger.calls.iter_mut().find(|call| call.sid == sid) {
            call.heard.extend_from_slice(said);
        }
    }

    fn pickup(&self) -> Option<Pickup> {
        let pickup = self.pickup.lock().unwrap_or_else(PoisonError::into_inner);
        pickup.clone()
    }
}

/// The provider; it ends when dropped.
#[derive(Debug)]
pub struct Telephony {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Drop for Telephony {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Telephony {
    /// Starts a provider on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let state = Arc::new(State {
            ledger: Mutex::default(),
            count: watch::Sender::new(0),
            calls: watch::Sender::new(0),
            fate: Mutex::new(Fate::Silence),
            pickup: Mutex::new(None),
            serial: AtomicU64::new(1),
        });
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(wire::serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            address,
            state,
            serving,
        }
    }

    /// Where its API is (`WATCHBELL_TWILIO_BASE_URL`).
    pub fn base_url(&self) -> Url {
        format!("http://{}", self.address).parse().expect("a URL")
    }

    /// The next request meets `fault`; several are met in order.
    pub fn fail_next(&self, fault: Fault) {
        self.state.ledger().faults.push_back(fault);
    }

    /// From now on, messages have this fate.
    pub fn set_fate(&self, fate: Fate) {
        *self
            .state
            .fate
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = fate;
    }

    /// From now on, calls are picked up so; until then they ring and nothing is reported but that.
    pub fn set_pickup(&self, pickup: Pickup) {
        *self
            .state
            .pickup
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(pickup);
    }

    /// Every call it took.
    pub fn calls(&self) -> Vec<Call> {
        self.state.ledger().calls.clone()
    }

    /// Waits until it has taken `count` calls.
    pub async fn wait_for_calls(&self, count: usize) -> Vec<Call> {
        let mut changes = self.state.calls.subscribe();
        tokio::time::timeout(
            Duration::from_secs(60),
            changes.wait_for(|have| *have >= count),
        )
        .await
        .expect("a call within a minute")
        .expect("the provider lives");
        self.calls()
    }

    /// A call that rings is picked up so, now.
    pub async fn pick_up(&self, sid: &str, pickup: &Pickup) {
        calls::ring(&self.state, sid, pickup).await;
    }

    /// One turn of a call: who answered, or a key. The answer's status and body.
    pub async fn turn(&self, sid: &str, key: Option<char>) -> Option<(u16, String)> {
        calls::post(&self.state, sid, (Some("human"), key), AUTH_TOKEN).await
    }

    /// The same with a signature by another key.
    pub async fn turn_forged(&self, sid: &str, key: Option<char>) -> Option<(u16, String)> {
        calls::post(&self.state, sid, (None, key), "not-the-auth-token").await
    }

    /// Reports `status` of a call to its callback, signed; the answer's status.
    pub async fn report_call(&self, sid: &str, status: &str) -> Option<u16> {
        calls::report(&self.state, sid, status, AUTH_TOKEN).await
    }

    /// Every message it took.
    pub fn messages(&self) -> Vec<Sms> {
        self.state.ledger().messages.clone()
    }

    /// Every request that came, also those it refused.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.ledger().requests.clone()
    }

    /// Callbacks it made: message, status word, and the answer's status.
    pub fn callbacks(&self) -> Vec<(String, String, Option<u16>)> {
        self.state.ledger().callbacks.clone()
    }

    /// Waits until it has taken `count` messages.
    pub async fn wait_for(&self, count: usize) -> Vec<Sms> {
        let mut changes = self.state.count.subscribe();
        tokio::time::timeout(
            Duration::from_secs(30),
            changes.wait_for(|have| *have >= count),
        )
        .await
        .expect("a message within thirty seconds")
        .expect("the provider lives");
        self.messages()
    }

    /// Reports `status` of a message to its callback, signed; the answer's status.
    pub async fn report(&self, sid: &str, status: &str, error_code: Option<u32>) -> Option<u16> {
        report(&self.state, sid, status, error_code, AUTH_TOKEN).await
    }

    /// Somebody sends `body` from `number` to our sender: hands it to `url`, signed, and returns the
    /// answer's status and body. `sid` names the text; the same again is a repetition.
    pub async fn hand_over(
        &self,
        url: &str,
        (sid, number, body): (&str, &str, &str),
    ) -> Option<(u16, String)> {
        hand_over(url, (sid, number, body), AUTH_TOKEN).await
    }

    /// Like [`Self::hand_over`] with a signature by another key.
    pub async fn hand_over_forged(
        &self,
        url: &str,
        (sid, number, body): (&str, &str, &str),
    ) -> Option<(u16, String)> {
        hand_over(url, (sid, number, body), "not-the-auth-token").await
    }

    /// The same with a signature by another key.
    pub async fn report_forged(&self, sid: &str, status: &str) -> Option<u16> {
        report(&self.state, sid, status, None, "not-the-auth-token").await
    }
}

async fn hand_over(
    url: &str,
    (sid, number, body): (&str, &str, &str),
    key: &str,
) -> Option<(u16, String)> {
    let fields = [
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("Body", body.to_owned()),
        ("From", number.to_owned()),
        ("MessageSid", sid.to_owned()),
        ("NumMedia", "0".to_owned()),
        ("NumSegments", "1".to_owned()),
        ("SmsMessageSid", sid.to_owned()),
        ("SmsSid", sid.to_owned()),
        ("SmsStatus", "received".to_owned()),
        ("To", FROM.to_owned()),
    ];
    post_signed(url, &fields, key).await
}

fn next_id(state: &State, kind: &str) -> String {
    format!(
        "{kind}{:032x}",
        state.serial.fetch_add(1, Ordering::Relaxed)
    )
}

/// Keeps a message, and starts its fate.
fn take(state: &Arc<State>, mut message: Sms) -> Sms {
    message.sid = next_id(state, "SM");
    message.created_at = SystemClock.now();
    let count = {
        let mut ledger = state.ledger();
        ledger.messages.push(message.clone());
        ledger.messages.len()
    };
    state.count.send_replace(count);
    let fate = state
        .fate
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let (state, sid) = (Arc::clone(state), message.sid.clone());
    tokio::spawn(async move {
        let last = match fate {
            Fate::Silence => return,
            Fate::Delivered => ("delivered", None),
            Fate::Undelivered(code) => ("undelivered", Some(code)),
        };
        report(&state, &sid, "sent", None, AUTH_TOKEN).await;
        report(&state, &sid, last.0, last.1, AUTH_TOKEN).await;
    });
    message
}

async fn report(
    state: &State,
    sid: &str,
    status: &str,
    error_code: Option<u32>,
    key: &str,
) -> Option<u16> {
    let message = {
        let mut ledger = state.ledger();
        let message = ledger
            .messages
            .iter_mut()
            .find(|message| message.sid == sid)?;
        status.clone_into(&mut message.status);
        message.clone()
    };
    let callback = message.status_callback.clone()?;
    let mut fields = vec![
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("From", message.from.clone()),
        ("MessageSid", message.sid.clone()),
        ("MessageStatus", status.to_owned()),
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", status.to_owned()),
        ("To", message.to.clone()),
    ];
    if let Some(code) = error_code {
        fields.push(("ErrorCode", code.to_string()));
    }
    let answered = post_signed(&callback, &fields, key)
        .await
        .map(|(status, _)| status);
    state
        .ledger()
        .callbacks
        .push((message.sid, status.to_owned(), answered));
    answered
}

async fn post_signed(
    callback: &str,
    fields: &[(&str, String)],
    key: &str,
) -> Option<(u16, String)> {
    let owned: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let pairs: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let url: Url = callback.parse().ok()?;
    let path = &url[url::Position::BeforePath..];
    let base = Url::parse(&url[..url::Position::BeforePath]).ok()?;
    let egress = crate::way_out::way_out(None, None);
    let client = ProviderClient::new(&egress, &Trusted::from_operator_configuration(base)).ok()?;
    let header: &'static str = "x-twilio-signature";
    debug_assert!(SIGNATURE_HEADER.eq_ignore_ascii_case(header));
    let request = Request::post_form(&pairs)
        .header(header, &signature(key, callback, &owned))
        .ok()?;
    let answer = client
        .send(path, request, Instant::now() + Duration::from_secs(10))
        .await
        .ok()?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    Some((answer.status, body))
}
