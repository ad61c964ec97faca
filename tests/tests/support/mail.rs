//! A real SMTP server that keeps what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailcrab::{MailMessage, TestMailServerHandle, development_mail_server};

use super::program::free_port;
use super::wait;

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Subject.
    pub subject: String,
    /// Envelope and header recipients.
    pub to: Vec<String>,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// All headers as text.
    pub headers: String,
}

impl Mail {
    /// Asserts that its text says `phrase`, wherever its lines break: they break elsewhere when a time
    /// in them is of another day.
    #[track_caller]
    pub fn assert_says(&self, phrase: &str) {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        assert!(
            words.join(" ").contains(phrase),
            "no \"{phrase}\" in: {}",
            self.text
        );
    }
}

/// The server and its mails.
pub struct MailServer {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    handle: TestMailServerHandle,
}

impl MailServer {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let port = free_port();
        let handle = development_mail_server([127, 0, 0, 1], port).await;
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut arriving) = (Arc::clone(&mails), handle.rx.resubscribe());
        tokio::spawn(async move {
            while let Ok(message) = arriving.recv().await {
                kept.lock().expect("no panic").push(read(&message));
            }
        });
        Self {
            port,
            mails,
            handle,
        }
    }

    /// The value of WATCHBELL_SMTP_URL.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<Mail> {
        self.mails.lock().expect("no panic").clone()
    }

    /// Mails whose subject begins with `subject`.
    pub fn with_subject(&self, subject: &str) -> Vec<Mail> {
        self.all()
            .into_iter()
            .filter(|mail| mail.subject.starts_with(subject))
            .collect()
    }

    /// Waits for a mail whose subject begins with `subject`.
    pub async fn wait_for(&self, subject: &str, limit: Duration) -> Mail {
        let what = format!("a mail \"{subject}…\"");
        wait::until(&what, limit, async || self.with_subject(subject).pop()).await
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.handle.token.cancel();
    }
}

fn read(message: &MailMessage) -> Mail {
    let value = serde_json::to_value(message).expect("a mail is JSON");
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Mail {
        subject: text("subject"),
        to: value["envelope_recipients"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect(),
        text: text("text"),
        html: text("html"),
        headers: value["headers"].to_string(),
    }
}
