//! From a confirmed outage to the provider that took the alert: one after the other, and all at once.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use testkit::smtp::Relay;
use testkit::telephony::{self, Fate, Telephony};
use testkit::{Behaviour, SwitchableSite};
use tokio::time::Instant;

use crate::program::{Customer, Program, quantile};
use crate::table::Table;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Outages one after the other, each of another customer.
    alone: u32,
    /// Customers whose monitors break at once.
    customers: u32,
    /// Monitors of each.
    monitors: u32,
}

/// 2,000 monitors of 100 customers.
pub const FULL: Load = Load {
    alone: 50,
    customers: 100,
    monitors: 20,
};
/// A tenth.
pub const SMALL: Load = Load {
    alone: 10,
    customers: 20,
    monitors: 10,
};

/// Of the solo plan.
const INTERVAL: u32 = 30;
const TIMEOUT_MS: u32 = 5_000;
const OPENED: &str = "event = 'incident.opened'";
const LIMIT: Duration = Duration::from_secs(300);

/// Who takes the alerts: providers on loopback that answer at once.
struct Providers {
    relay: Relay,
    phone: Telephony,
    hooks: SwitchableSite,
}

impl Providers {
    async fn start() -> Self {
        let phone = Telephony::start().await;
        phone.set_fate(Fate::Delivered);
        Self {
            relay: Relay::start().await,
            phone,
            hooks: SwitchableSite::start().await,
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("WATCHBELL_SMTP_URL", self.relay.url()),
            (
                "WATCHBELL_TWILIO_ACCOUNT_SID",
                telephony::ACCOUNT_SID.to_owned(),
            ),
            (
                "WATCHBELL_TWILIO_AUTH_TOKEN",
                telephony::AUTH_TOKEN.to_owned(),
            ),
            ("WATCHBELL_TWILIO_FROM", telephony::FROM.to_owned()),
            (
                "WATCHBELL_TWILIO_BASE_URL",
                self.phone.base_url().to_string(),
            ),
        ]
    }
}

impl Providers {
    /// Mails, texts and posts so far.
    fn taken(&self) -> [usize; 3] {
        [
            self.relay.taken().len(),
            self.phone.messages().len(),
            self.hooks.posts().len(),
        ]
    }

    /// To whom what came after `[mails, texts, posts]` went.
    fn since(&self, [mails, texts, posts]: [usize; 3]) -> [(&'static str, Vec<String>); 3] {
        let mails = self.relay.taken().into_iter().skip(mails);
        let texts = self.phone.messages().into_iter().skip(texts);
        let posts = self.hooks.posts().into_iter().skip(posts);
        [
            ("mails", mails.map(|mail| mail.to).collect()),
            ("texts", texts.map(|text| text.to).collect()),
            ("posts", posts.map(|post| post.path).collect()),
        ]
    }
}

/// Runs both on one program.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let providers = Providers::start().await;
    let program = Program::start_with(server_url, "", &providers.settings()).await?;
    let mut text = alone(&program, &providers, load.alone).await?;
    text.push('\n');
    text.push_str(&together(&program, &providers, load).await?);
    program.stop().await?;
    Ok(text)
}

/// A customer with an address, proven phones of these kinds, and a webhook.
async fn reachable(
    program: &Program,
    providers: &Providers,
    number: u32,
    kinds: &[&str],
) -> anyhow::Result<Customer> {
    let email = format!("owner{number}@shop.example");
    let who = program.customer(&email, "solo").await?;
    for kind in kinds {
        let series = if *kind == "sms" { 5 } else { 6 };
        let phone = format!("+1202{series}{number:06}");
        let body = json!({ "kind": kind, "name": kind, "address": phone });
        let contact = program.post(&who, "contacts", &body).await?;
        let proof = json!({ "code": code(providers, &phone).await? });
        let path = format!("contacts/{}/verify", id(&contact)?);
        program.post(&who, &path, &proof).await?;
    }
    let url = providers.hooks.url(&format!("/{number}"));
    let body = json!({ "kind": "webhook", "name": "Hook", "url": url });
    program.post(&who, "contacts", &body).await?;
    Ok(who)
}

fn id(row: &Value) -> anyhow::Result<&str> {
    row["id"].as_str().context("an id")
}

/// The code that a phone was sent, or is told in a call.
async fn code(providers: &Providers, phone: &str) -> anyhow::Result<String> {
    let begun = Instant::now();
    loop {
        let (texts, calls) = (providers.phone.messages(), providers.phone.calls());
        if let Some(text) = texts.iter().find(|text| text.to == phone) {
            let digits = text.body.chars().filter(char::is_ascii_digit);
            return Ok(digits.take(6).collect());
        }
        let call = calls.iter().find(|call| call.to == phone);
        if let Some(said) = call.and_then(|call| call.twiml.as_deref()) {
            return Ok(spoken(said));
        }
        anyhow::ensure!(begun.elapsed() < LIMIT, "no code for {phone}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The first six digits that are said.
fn spoken(said: &str) -> String {
    let words = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    said.split(|letter: char| !letter.is_ascii_alphabetic())
        .filter_map(|word| words.iter().position(|known| *known == word))
        .take(6)
        .map(|digit| digit.to_string())
        .collect()
}

/// Outages of different customers, one after the other, so that none waits for another.
async fn alone(program: &Program, providers: &Providers, outages: u32) -> anyhow::Result<String> {
    for number in 0..outages {
        let who = reachable(program, providers, number, &["sms", "voice"]).await?;
        let contacts = program.get(&who, "contacts").await?;
        let rows = contacts["data"].as_array().context("contacts")?;
        let all: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
        let body = json!({
            "name": "All at once", "steps": [{ "delay_seconds": 0, "contact_ids": all }],
        });
        let policy = program.post(&who, "policies", &body).await?;
        let site = SwitchableSite::start().await;
        let body = json!({
            "url": site.url("/"), "interval_seconds": 3_600, "policy_id": id(&policy)?,
            "confirm": { "rechecks": 0, "over_seconds": 0 },
        });
        let monitor = program.post(&who, "monitors", &body).await?;
        let look = format!("monitors/{}/check", id(&monitor)?);
        program.post(&who, &look, &json!({})).await?;
        site.set(Behaviour::Status(502));
        program.post(&who, &look, &json!({})).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let told =
        format!("SELECT count(*) FROM deliveries WHERE {OPENED} AND accepted_at IS NOT NULL");
    until(program, &told, 4 * outages).await?;
    let mut table = Table::new(
        &format!("{outages} outages one by one: confirmed to accepted"),
        &["p50, ms", "p99, ms", "max, ms"],
    );
    for channel in ["email", "sms", "voice", "webhook"] {
        let took = program
            .numbers(&format!(
                "SELECT extract(epoch FROM d.accepted_at - i.confirmed_at) * 1000 FROM deliveries d \
                 JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id \
                 WHERE d.{OPENED} AND d.channel = '{channel}' AND d.accepted_at IS NOT NULL ORDER BY 1"
            ))
            .await?;
        let figures = [0.5, 0.99, 1.0].map(|q| format!("{:.0}", quantile(&took, q)));
        table.line(channel, figures);
    }
    Ok(table.text())
}

/// Many customers, each with its monitors of `site`.
async fn watched(
    program: &Program,
    providers: &Providers,
    load: Load,
    site: &SwitchableSite,
) -> anyhow::Result<()> {
    let (first, last) = (load.alone, load.alone + load.customers);
    for number in first..last {
        let who = reachable(program, providers, number, &["sms"]).await?;
        for monitor in 0..load.monitors {
            let url = site.url(&format!("/{number}/{monitor}"));
            let body =
                json!({ "url": url, "interval_seconds": INTERVAL, "timeout_ms": TIMEOUT_MS });
            program.post(&who, "monitors", &body).await?;
        }
    }
    Ok(())
}

/// All monitors of many customers break in one second.
async fn together(program: &Program, providers: &Providers, load: Load) -> anyhow::Result<String> {
    let site = SwitchableSite::start().await;
    watched(program, providers, load, &site).await?;
    let monitors = load.customers * load.monitors;
    let up = "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming";
    until(program, up, monitors).await?;
    let taken = providers.taken();

    let from = program.now().await?;
    site.set(Behaviour::Reset);
    let since = format!("{OPENED} AND created_at > '{from}'");
    let decided = format!(
        "SELECT count(DISTINCT (account_id, incident_id, channel)) FROM deliveries \
         WHERE {since} AND state NOT IN ('pending', 'sending', 'held')"
    );
    until(program, &decided, 3 * monitors).await?;
    let (told, over, spent) = figures(program, &since, &from).await?;
    let mut table = Table::new(
        &format!("{monitors} monitors of {} customers break", load.customers),
        &[""],
    );
    let seconds = |value: f64| format!("{value:.1}");
    table.line(
        "first contact told after, s",
        [seconds(quantile(&told, 0.0))],
    );
    table.line(
        "last contact told after, s",
        [seconds(quantile(&told, 1.0))],
    );
    table.line(
        "last message gone after, s",
        [seconds(quantile(&over, 1.0))],
    );
    for (name, addresses) in providers.since(taken) {
        let (mean, most) = each(addresses);
        table.line(
            &format!("{name} to each, mean and most"),
            [format!("{mean:.1}"), most.to_string()],
        );
    }
    let most = quantile(&spent, 1.0);
    table.line(
        "spent by one customer at most, USD (cap 20)",
        [format!("{most:.3}")],
    );
    if let Some(peak) = program.peak_memory() {
        table.line("memory at its peak, MiB", [peak.to_string()]);
    }
    Ok(table.text())
}

/// Seconds to each contact's first message, seconds to the last of all, dollars of each customer.
async fn figures(
    program: &Program,
    since: &str,
    from: &str,
) -> anyhow::Result<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    let told = program
        .numbers(&format!(
            "SELECT extract(epoch FROM min(accepted_at) - '{from}') FROM deliveries \
             WHERE {since} AND accepted_at IS NOT NULL GROUP BY account_id, contact_id ORDER BY 1"
        ))
        .await?;
    let over = program
        .numbers(&format!(
            "SELECT extract(epoch FROM max(coalesce(accepted_at, finished_at)) - '{from}') FROM deliveries WHERE {since}"
        ))
        .await?;
    let spent = program
        .numbers(&format!(
            "SELECT sum(coalesce(price_micros, 0)) / 1e6 FROM deliveries WHERE {since} GROUP BY account_id ORDER BY 1"
        ))
        .await?;
    Ok((told, over, spent))
}

/// How often each address is there: mean and most.
fn each(addresses: Vec<String>) -> (f64, usize) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for address in &addresses {
        *counts.entry(address.clone()).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    (addresses.len() as f64 / counts.len().max(1) as f64, most)
}

/// Waits until `count` answers `wanted`.
async fn until(program: &Program, count: &str, wanted: u32) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let found = program.count(count).await?;
        if found >= i64::from(wanted) {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < LIMIT,
            "{found} of {wanted} after {LIMIT:?}: {count}"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
