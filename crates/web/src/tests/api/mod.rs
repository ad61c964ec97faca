//! The REST API through the router.

mod briefing;
mod checks;
mod contacts;
mod dependencies;
mod described;
mod drills;
mod escalation;
mod events;
mod examples;
mod feedback;
mod headers;
mod heartbeats;
mod inputs;
mod keys;
mod keywords;
mod maintenance;
mod monitors;
mod origins;
mod policies;
mod quiet;
mod races;
mod schedules;
mod schema;
mod services;
mod strangers;

use axum::Router;
use axum::body::Body;
use domain::account::{Plan, Scope};
use domain::ids::AccountId;
use domain::incident::Actor;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use sqlx::PgPool;
use store::accounts::NewAccount;
use tower::ServiceExt;

use super::App;
use crate::usecases::Caller;
use crate::usecases::api_keys::{self, NewApiKey};

/// A program with a key.
#[derive(Clone)]
struct Client {
    router: Router,
    key: Option<String>,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    fn pointer(&self) -> String {
        self.json()["errors"][0]["pointer"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    }
}

impl Client {
    async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.raw(
            method,
            &format!("/api/v1{path}"),
            &all,
            body.to_string().into_bytes(),
        )
        .await
    }

    async fn get(&self, path: &str) -> Reply {
        self.raw(Method::GET, &format!("/api/v1{path}"), &[], Vec::new())
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &[], &body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, &[], &body).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.raw(Method::DELETE, &format!("/api/v1{path}"), &[], Vec::new())
            .await
    }
}

impl App {
    /// A new account on `plan`.
    async fn account(&self, plan: Plan) -> AccountId {
        let id = AccountId::generate();
        let token = id.to_string();
        let new = NewAccount {
            id,
            name: "Shop Ltd",
            timezone: "UTC",
            practice_token: &token,
            plan,
        };
        let mut connection = self.state.pool.acquire().await.unwrap();
        store::accounts::insert(&mut connection, &new, self.state.now())
            .await
            .unwrap();
        id
    }

    /// A program with a key of its own.
    async fn client(&self, account: AccountId, scope: Scope) -> Client {
        let caller = Caller {
            account_id: account,
            actor: Actor::system(),
            user_id: None,
            email: None,
            network: "203.0.113.9".into(),
            now: self.state.now(),
        };
        let mut tx = store::tenant::begin(&self.state.pool, account)
            .await
            .unwrap();
        let new = NewApiKey {
            name: "CI".into(),
            scope,
            expires_at: None,
        };
        let (_, secret) = api_keys::create(&mut tx, &caller, new).await.unwrap();
        tx.commit().await.unwrap();
        Client {
            router: self.router.clone(),
            key: Some(secret),
        }
    }

    /// A program without a key.
    fn nobody(&self) -> Client {
        Client {
            router: self.router.clone(),
            key: None,
        }
    }
}

/// An app, an account on the team plan and a program that may write.
async fn team(pool: PgPool) -> (App, AccountId, Client) {
    let app = App::new(pool).await;
    let account = app.account(Plan::Team).await;
    let client = app.client(account, Scope::Write).await;
    (app, account, client)
}
