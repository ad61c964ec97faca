//! The REST API as a customer's program uses it.

use serde_json::{Value, json};

use super::program::Settings;

/// A client with a write key.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    key: String,
}

/// An account made by the operator, and a client for it.
pub async fn account(settings: &Settings, email: &str, plan: &str) -> Api {
    let args = [
        "admin",
        "create-account",
        "--email",
        email,
        "--password",
        "a password of a story",
        "--plan",
        plan,
        "--verified",
        "--api-key",
        "--json",
    ];
    let (status, out, err) = settings.run(&args).await;
    assert_eq!(status, 0, "{err}");
    let account: Value = serde_json::from_str(&out).expect("JSON on stdout");
    Api {
        client: reqwest::Client::new(),
        base: format!("http://127.0.0.1:{}/api/v1", settings.port),
        key: account["api_key"].as_str().expect("a key").to_owned(),
    }
}

impl Api {
    /// The same account by another web process.
    pub fn through(&self, address: &str) -> Self {
        Self {
            base: format!("http://{address}/api/v1"),
            ..self.clone()
        }
    }

    /// Sends a request; the answer's status and JSON.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.send("GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    /// Makes a monitor of `url` and answers its id.
    pub async fn watch(&self, url: &str, settings: Value) -> String {
        let mut body = json!({ "url": url });
        for (name, value) in settings.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let (status, monitor) = self.send("POST", "/monitors", Some(body)).await;
        assert_eq!(status, 201, "{monitor}");
        monitor["id"].as_str().expect("an id").to_owned()
    }
}
