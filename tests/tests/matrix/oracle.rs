//! What came of everything, from the providers' side and from the rows.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use domain::contact::Channel;
use domain::ids::DeliveryId;
use sqlx::PgPool;
use testkit::SwitchableSite;
use testkit::smtp::Relay;
use testkit::telephony::Telephony;
use uuid::Uuid;

/// A message as the database has it.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    incident_id: Option<Uuid>,
    contact_id: Uuid,
    event: String,
    channel: String,
    state: String,
    merged_into: Option<Uuid>,
    has_fallback: bool,
    is_stand_in: bool,
}

/// Messages by the point at which they were killed.
#[derive(Debug, Default, Clone)]
pub struct Count {
    /// Rows.
    pub planned: usize,
    /// Of them came, alone or in another.
    pub arrived: usize,
    /// Came once more.
    pub duplicates: usize,
    /// Failed for good, and their stand-in was told.
    pub fell_back: usize,
    /// None of these.
    pub lost: usize,
}

/// Everything that arrived anywhere, in order: whose message it was.
pub fn arrivals(mail: &Relay, hooks: &SwitchableSite, phone: &Telephony) -> Vec<DeliveryId> {
    let mut all = Vec::new();
    for one in mail.taken() {
        let id = one.header("Message-ID").and_then(delivery);
        all.extend(id);
    }
    for post in hooks.posts() {
        all.extend(delivery(post.header("webhook-id")));
    }
    for text in phone.messages() {
        all.extend(text.status_callback.as_deref().and_then(delivery));
    }
    for call in phone.calls() {
        all.extend(call.url.as_deref().and_then(delivery));
    }
    all
}

/// The first id of a message in a text.
fn delivery(text: &str) -> Option<DeliveryId> {
    let at = text.find("del_")?;
    let id: String = text[at..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    id.parse().ok()
}

/// Holds the rows against the arrivals, and counts. `points` says at which point each was killed.
pub async fn judge(
    pool: &PgPool,
    arrived: &[DeliveryId],
    points: &HashMap<DeliveryId, String>,
) -> (BTreeMap<String, Count>, Vec<String>) {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT d.id, d.account_id, d.incident_id, d.contact_id, d.event, d.channel, d.state, d.merged_into,
           d.payload ? 'fallback' AS is_stand_in,
           EXISTS (SELECT 1 FROM deliveries o WHERE o.account_id = d.account_id AND o.incident_id = d.incident_id
                   AND o.event = d.event AND o.payload ? 'fallback')
             OR EXISTS (SELECT 1 FROM account_messages m WHERE m.account_id = d.account_id) AS has_fallback
         FROM deliveries d",
    )
    .fetch_all(pool)
    .await
    .expect("deliveries");
    let mut times: HashMap<DeliveryId, usize> = HashMap::new();
    for id in arrived {
        *times.entry(*id).or_default() += 1;
    }
    let (mut counts, mut faults) = (BTreeMap::<String, Count>::new(), Vec::new());
    for row in &rows {
        let id = DeliveryId::from_uuid(row.id);
        let point = points.get(&id).cloned();
        let count = counts
            .entry(point.unwrap_or_else(|| "beside".to_owned()))
            .or_default();
        count.planned += 1;
        let came = times.get(&id).copied().unwrap_or(0);
        count.duplicates += came.saturating_sub(1);
        if came > 2 {
            faults.push(format!("{row:?} came {came} times"));
        }
        let carried = row
            .merged_into
            .is_some_and(|other| times.contains_key(&DeliveryId::from_uuid(other)));
        match row.state.as_str() {
            "sent" | "delivered" if came > 0 => count.arrived += 1,
            "merged" if carried => count.arrived += 1,
            "superseded" if is_told_later(&rows, row, &times) => count.arrived += 1,
            // A call that nobody answered has arrived, and is a failure all the same.
            "failed" if came > 0 && row.channel == Channel::Voice.as_str() => count.arrived += 1,
            "failed" | "given_up" if row.has_fallback || row.is_stand_in => count.fell_back += 1,
            _ => {
                count.lost += 1;
                faults.push(format!("lost: {row:?} came {came} times"));
            }
        }
    }
    faults.extend(order(&rows, arrived));
    (counts, faults)
}

/// The recovery told the outage too.
fn is_told_later(rows: &[Row], row: &Row, times: &HashMap<DeliveryId, usize>) -> bool {
    rows.iter().any(|other| {
        other.incident_id == row.incident_id
            && other.contact_id == row.contact_id
            && other.event == "incident.resolved"
            && times.contains_key(&DeliveryId::from_uuid(other.id))
    })
}

/// Nobody hears "up" before "down".
fn order(rows: &[Row], arrived: &[DeliveryId]) -> Vec<String> {
    let mut first: HashMap<DeliveryId, usize> = HashMap::new();
    for (at, id) in arrived.iter().enumerate() {
        first.entry(*id).or_insert(at);
    }
    let at = |row: &Row| first.get(&DeliveryId::from_uuid(row.id)).copied();
    let ups = rows.iter().filter(|row| row.event == "incident.resolved");
    ups.filter_map(|up| {
        let down = rows.iter().find(|down| {
            down.event == "incident.opened"
                && (down.account_id, down.incident_id, down.contact_id)
                    == (up.account_id, up.incident_id, up.contact_id)
        })?;
        (at(up)? < at(down)?).then(|| format!("up before down: {up:?}"))
    })
    .collect()
}

/// What is wrong in the wallets' books.
pub async fn audit(pool: &PgPool) -> Vec<String> {
    let queries = [
        (
            "a balance is not the sum of its book",
            "SELECT w.account_id::text FROM wallets w WHERE balance_micros <>
               (SELECT coalesce(sum(amount_micros), 0) FROM wallet_entries e WHERE e.account_id = w.account_id)",
        ),
        (
            "a reservation was both spent and given back, or twice one of these",
            "SELECT delivery_id::text FROM wallet_entries WHERE kind IN ('settle', 'refund')
             GROUP BY account_id, delivery_id, attempt HAVING count(*) > 1",
        ),
        (
            "a message was paid twice",
            "SELECT r.delivery_id::text FROM wallet_entries r WHERE r.kind = 'reserve' AND NOT EXISTS (
               SELECT 1 FROM wallet_entries e WHERE e.account_id = r.account_id AND e.delivery_id = r.delivery_id
               AND e.attempt = r.attempt AND e.kind = 'refund') GROUP BY r.delivery_id HAVING count(*) > 1",
        ),
        (
            "a reservation is open though the message has come to its end",
            "SELECT d.id::text || ' ' || d.state FROM wallet_entries r
             JOIN deliveries d ON d.account_id = r.account_id AND d.id = r.delivery_id
             WHERE r.kind = 'reserve' AND d.state <> 'sent' AND NOT EXISTS (
               SELECT 1 FROM wallet_entries e WHERE e.account_id = r.account_id AND e.delivery_id = r.delivery_id
               AND e.attempt = r.attempt AND e.kind IN ('settle', 'refund'))",
        ),
        (
            "a message went out unpaid",
            "SELECT d.id::text FROM deliveries d WHERE d.channel IN ('sms', 'voice') AND d.state IN ('sent', 'delivered')
             AND NOT EXISTS (SELECT 1 FROM wallet_entries r WHERE r.account_id = d.account_id
               AND r.delivery_id = d.id AND r.kind = 'reserve')",
        ),
    ];
    let mut wrong = Vec::new();
    for (what, query) in queries {
        let rows: Vec<String> = sqlx::query_scalar(query)
            .fetch_all(pool)
            .await
            .expect("a book");
        wrong.extend(rows.into_iter().map(|row| format!("{what}: {row}")));
    }
    wrong
}

/// The table of the report.
pub fn table(title: &str, counts: &BTreeMap<String, Count>) -> String {
    let mut text = format!(
        "{title:<44}{:>9}{:>9}{:>12}{:>11}{:>6}\n",
        "planned", "arrived", "duplicates", "fell back", "lost"
    );
    for (point, count) in counts {
        let _ = writeln!(
            text,
            "{point:<44}{:>9}{:>9}{:>12}{:>11}{:>6}",
            count.planned, count.arrived, count.duplicates, count.fell_back, count.lost
        );
    }
    text
}
