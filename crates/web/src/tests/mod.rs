//! Tests of the whole role against a real database: requests in, answers out.

mod api;
mod auth;
mod callbacks;
mod calls;
mod drills;
mod feedback;
mod forms;
mod frame;
mod keywords;
mod links;
mod maintenance;
mod matrix;
mod pages;
mod schedules;
mod settings;
mod snooze;
mod storms;
mod tools;
mod unconfirmed;
mod watches;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use domain::check::Failure;
use domain::clock::ManualClock;
use domain::delivery::AccountMessage;
use domain::ids::{AccountId, IncidentId, MonitorId, short_code};
use domain::incident::{Incident, VoteSummary};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use sqlx::PgPool;
use store::Secrets;
use tower::ServiceExt;
use uuid::Uuid;

use crate::config::tests::config;
use crate::events::Hub;
use crate::{AppState, WebConfig, router};

/// A web role on an empty database, with a clock that stands still.
pub(crate) struct App {
    pub(crate) state: AppState,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    read: Mutex<HashSet<Uuid>>,
}

/// A browser: keeps cookies, says where it comes from.
pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) const PASSWORD: &str = "correct horse battery";

impl App {
    /// The monitor is down; what its first look saw is `failure`.
    pub(crate) async fn down(&self, monitor: MonitorId, failure: Failure) -> IncidentId {
        let account: Uuid = sqlx::query_scalar("SELECT account_id FROM monitors WHERE id = $1")
            .bind(monitor.uuid())
            .fetch_one(&self.state.pool)
            .await
            .unwrap();
        let (id, now) = (IncidentId::generate(), self.state.now());
        let incident = Incident {
            id,
            account_id: AccountId::from_uuid(account),
            monitor_id: monitor,
            short: short_code(id.uuid()),
            severity: domain::incident::Severity::default(),
            first_failure_at: now,
            confirmed_at: now,
            acknowledged_at: None,
            acknowledged_by: None,
            resolved_at: None,
            resolved_reason: None,
            resolved_confirmed_at: None,
            failure,
            attribution: None,
            diagnosis: None,
            vote: VoteSummary {
                down: 1,
                of: 1,
                looks: 3,
                ..VoteSummary::default()
            },
            last_good_at: None,
            test: false,
            address: None,
            group_id: None,
            version: 1,
        };
        let mut connection = self.state.pool.acquire().await.unwrap();
        store::incidents::insert(&mut connection, &incident)
            .await
            .unwrap();
        id
    }

    pub(crate) async fn new(pool: PgPool) -> Self {
        Self::with(pool, config("http://localhost:8080")).await
    }

    pub(crate) async fn with(pool: PgPool, config: WebConfig) -> Self {
        jobs::migrate(&pool).await.unwrap();
        let clock = ManualClock::at("2026-11-22T13:02:11Z".parse().unwrap());
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let state = AppState::new(pool, None, secrets, clock.clone(), config, Hub::new());
        Self {
            router: router(state.clone()),
            state,
            clock,
            read: Mutex::default(),
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        let headers = vec![(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
        )];
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            headers,
        }
    }

    /// A browser that has just signed up.
    pub(crate) async fn signed_up(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser
            .post(
                "/signup",
                &[
                    ("email", email),
                    ("password", PASSWORD),
                    ("timezone", "Europe/Berlin"),
                ],
            )
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    /// A browser that has signed up and proven its address.
    pub(crate) async fn verified(&self, email: &str) -> Browser {
        let mut browser = self.signed_up(email).await;
        let mails = self.mails(email).await;
        let [AccountMessage::VerifyEmail { code, .. }] = mails.as_slice() else {
            panic!("{mails:?}")
        };
        assert_eq!(
            browser.post("/verify", &[("code", code)]).await.status,
            StatusCode::SEE_OTHER
        );
        browser
    }

    /// The mails written for an address since the last call.
    pub(crate) async fn mails(&self, address: &str) -> Vec<AccountMessage> {
        let mut connection = self.state.pool.acquire().await.unwrap();
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM account_messages WHERE address = $1 ORDER BY created_at, id",
        )
        .bind(address)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
        let mut mails = Vec::new();
        for id in ids
            .into_iter()
            .filter(|id| self.read.lock().unwrap().insert(*id))
        {
            let claimed = store::account_messages::claim(
                &mut connection,
                &self.state.secrets,
                id,
                self.state.now(),
            )
            .await
            .unwrap();
            mails.extend(claimed.map(|claimed| claimed.message));
        }
        mails
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.send(Method::POST, path, Some(body.into_bytes())).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        form: Option<Vec<u8>>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::from(form.unwrap_or_default())).unwrap())
            .await
            .unwrap();
        self.keep_cookies(&response);
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A request whose answer may never end; its cookies are not kept.
    pub(crate) async fn raw(&mut self, method: Method, path: &str) -> Response {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, "localhost:8080");
        request = request.header(header::COOKIE, cookies.join("; "));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if method != Method::GET {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        self.router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    fn keep_cookies(&mut self, response: &Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) fn has_session(&self) -> bool {
        self.cookies.contains_key("watchbell_session")
    }

    /// The same cookies in a second browser, to race with itself.
    pub(crate) fn twin(&self) -> Self {
        Self {
            router: self.router.clone(),
            cookies: self.cookies.clone(),
            headers: self.headers.clone(),
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }
}
