//! Everything that is kept of an account, for its owner to take away. Rows leave as they are stored,
//! without hashes and sealed values; they stream, so that a long history is never in memory at once.
//!
//! A new tenant table gets a variant of [`Part`] and its query here.

use domain::ids::AccountId;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use sqlx::PgConnection;

use crate::Error;

/// One part of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the tables")]
pub enum Part {
    Account,
    People,
    Subscription,
    Wallet,
    WalletEntries,
    ApiKeys,
    Contacts,
    Policies,
    MaintenanceWindows,
    MaintenanceOccurrences,
    Schedules,
    ScheduleOverrides,
    DeployMarkers,
    Monitors,
    MonitorStates,
    Heartbeats,
    HeartbeatPings,
    Certificates,
    Origins,
    KeywordProposals,
    AnswerChanges,
    DiagnosisFeedback,
    Incidents,
    IncidentEvents,
    Escalations,
    Deliveries,
    DeliveryAttempts,
    StatusIntervals,
    Checks,
    RequestedChecks,
    CheckHours,
    CheckDays,
    Evidence,
    AuditEvents,
}

impl Part {
    /// All parts, in the order of the file.
    pub const ALL: [Self; 34] = [
        Self::Account,
        Self::People,
        Self::Subscription,
        Self::Wallet,
        Self::WalletEntries,
        Self::ApiKeys,
        Self::Contacts,
        Self::Policies,
        Self::MaintenanceWindows,
        Self::MaintenanceOccurrences,
        Self::Schedules,
        Self::ScheduleOverrides,
        Self::DeployMarkers,
        Self::Monitors,
        Self::MonitorStates,
        Self::Heartbeats,
        Self::HeartbeatPings,
        Self::Certificates,
        Self::Origins,
        Self::KeywordProposals,
        Self::AnswerChanges,
        Self::DiagnosisFeedback,
        Self::Incidents,
        Self::IncidentEvents,
        Self::Escalations,
        Self::Deliveries,
        Self::DeliveryAttempts,
        Self::StatusIntervals,
        Self::Checks,
        Self::RequestedChecks,
        Self::CheckHours,
        Self::CheckDays,
        Self::Evidence,
        Self::AuditEvents,
    ];

    /// Its key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::People => "people",
            Self::Subscription => "subscription",
            Self::Wallet => "wallet",
            Self::WalletEntries => "wallet_entries",
            Self::ApiKeys => "api_keys",
            Self::Contacts => "contacts",
            Self::Policies => "policies",
            Self::MaintenanceWindows => "maintenance_windows",
            Self::MaintenanceOccurrences => "maintenance_occurrences",
            Self::Schedules => "schedules",
            Self::ScheduleOverrides => "schedule_overrides",
            Self::DeployMarkers => "deploy_markers",
            Self::Monitors => "monitors",
            Self::MonitorStates => "monitor_states",
            Self::Heartbeats => "heartbeats",
            Self::HeartbeatPings => "heartbeat_pings",
            Self::Certificates => "certificates",
            Self::Origins => "origins",
            Self::KeywordProposals => "keyword_proposals",
            Self::AnswerChanges => "answer_changes",
            Self::DiagnosisFeedback => "diagnosis_feedback",
            Self::Incidents => "incidents",
            Self::IncidentEvents => "incident_events",
            Self::Escalations => "escalations",
            Self::Deliveries => "deliveries",
            Self::DeliveryAttempts => "delivery_attempts",
            Self::StatusIntervals => "status_intervals",
            Self::Checks => "checks",
            Self::RequestedChecks => "requested_checks",
            Self::CheckHours => "check_hours",
            Self::CheckDays => "check_days",
            Self::Evidence => "evidence",
            Self::AuditEvents => "audit_events",
        }
    }
}

/// The rows of one part. Not under the tenant's role: people are not a tenant's.
pub fn rows<'c>(
    connection: &'c mut PgConnection,
    account: AccountId,
    part: Part,
) -> BoxStream<'c, Result<Value, Error>> {
    macro_rules! rows {
        ($query:literal) => {
            mapped(sqlx::query_scalar!($query, account.uuid()).fetch(connection))
        };
    }
    match part {
        Part::Account => rows!(r#"SELECT to_jsonb(t) AS "row!" FROM accounts t WHERE id = $1"#),
        Part::People => rows!(
            r#"SELECT jsonb_build_object('user_id', u.id, 'email', u.email, 'name', u.name, 'role', m.role,
                   'email_verified_at', u.email_verified_at, 'created_at', u.created_at) AS "row!"
               FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY m.created_at"#
        ),
        Part::Subscription => {
            rows!(r#"SELECT to_jsonb(t) AS "row!" FROM subscriptions t WHERE account_id = $1"#)
        }
        Part::Wallet => {
            rows!(r#"SELECT to_jsonb(t) AS "row!" FROM wallets t WHERE account_id = $1"#)
        }
        Part::WalletEntries => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM wallet_entries t WHERE account_id = $1 ORDER BY id"#
        ),
        Part::ApiKeys => rows!(
            r#"SELECT to_jsonb(t) - 'secret_hash' AS "row!" FROM api_keys t WHERE account_id = $1 ORDER BY id"#
        ),
        Part::Contacts
        | Part::Policies
        | Part::MaintenanceWindows
        | Part::MaintenanceOccurrences
        | Part::Schedules
        | Part::ScheduleOverrides
        | Part::DeployMarkers
        | Part::AuditEvents
        | Part::Escalations => rules(connection, account, part),
        Part::Monitors => rows!(
            r#"SELECT to_jsonb(t) - 'secrets' AS "row!" FROM monitors t WHERE account_id = $1 ORDER BY id"#
        ),
        Part::MonitorStates
        | Part::Heartbeats
        | Part::HeartbeatPings
        | Part::Certificates
        | Part::Origins
        | Part::KeywordProposals
        | Part::AnswerChanges
        | Part::DiagnosisFeedback => beside(connection, account, part),
        Part::Incidents => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM incidents t WHERE account_id = $1 ORDER BY id"#
        ),
        Part::IncidentEvents => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM incident_events t WHERE account_id = $1 ORDER BY id"#
        ),
        Part::Deliveries => rows!(
            r#"SELECT to_jsonb(t) - 'lease_token' AS "row!" FROM deliveries t WHERE account_id = $1 ORDER BY id"#
        ),
        Part::DeliveryAttempts => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM delivery_attempts t WHERE account_id = $1 ORDER BY delivery_id, number"#
        ),
        Part::StatusIntervals => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM status_intervals t WHERE account_id = $1 ORDER BY monitor_id, started_at"#
        ),
        Part::Checks => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM checks t WHERE account_id = $1 ORDER BY slot"#
        ),
        Part::RequestedChecks => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM requested_checks t WHERE account_id = $1 ORDER BY at"#
        ),
        Part::CheckHours => packed(connection, account),
        Part::CheckDays => rows!(
            r#"SELECT to_jsonb(t) AS "row!" FROM check_days t WHERE account_id = $1 ORDER BY day"#
        ),
        Part::Evidence => rows!(
            r#"SELECT to_jsonb(t) - 'body_hash' AS "row!" FROM evidence t WHERE account_id = $1 ORDER BY at"#
        ),
    }
}

/// What is kept of monitors beside their settings.
fn beside<'c>(
    connection: &'c mut PgConnection,
    account: AccountId,
    part: Part,
) -> BoxStream<'c, Result<Value, Error>> {
    let account = account.uuid();
    mapped(match part {
        Part::MonitorStates => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM monitor_states t WHERE account_id = $1"#,
            account
        )
        .fetch(connection),
        Part::Heartbeats => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM heartbeats t WHERE account_id = $1"#,
            account
        )
        .fetch(connection),
        Part::HeartbeatPings => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) - 'body' AS "row!" FROM heartbeat_pings t WHERE account_id = $1 ORDER BY monitor_id, number"#,
            account
        )
        .fetch(connection),
        Part::Certificates => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM certificates t WHERE account_id = $1"#,
            account
        )
        .fetch(connection),
        Part::Origins => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM origins t WHERE account_id = $1"#,
            account
        )
        .fetch(connection),
        Part::AnswerChanges => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) - 'subject' AS "row!" FROM answer_changes t WHERE account_id = $1 ORDER BY at"#,
            account
        )
        .fetch(connection),
        Part::DiagnosisFeedback => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM diagnosis_feedback t WHERE account_id = $1 ORDER BY created_at"#,
            account
        )
        .fetch(connection),
        _ => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM keyword_proposals t WHERE account_id = $1"#,
            account
        )
        .fetch(connection),
    })
}

/// Packed hours with their totals as milliseconds.
fn packed(
    connection: &mut PgConnection,
    account: AccountId,
) -> BoxStream<'_, Result<Value, Error>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT to_jsonb(t) || jsonb_build_object('totals_ms',
               ARRAY(SELECT unpack_total(e.total) FROM unnest(t.totals_ms) WITH ORDINALITY AS e (total, place) ORDER BY place)) AS "row!"
           FROM check_hours t WHERE account_id = $1 ORDER BY hour"#,
        account.uuid()
    );
    mapped(rows.fetch(connection))
}

/// What people have laid down about alerts, how far it was gone by, and what they did.
fn rules<'c>(
    connection: &'c mut PgConnection,
    account: AccountId,
    part: Part,
) -> BoxStream<'c, Result<Value, Error>> {
    let account = account.uuid();
    mapped(match part {
        Part::Contacts => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) - '{code_hash,url_sealed,service_sealed,secret_sealed,old_secret_sealed,address_canonical}'::text[] AS "row!" FROM contacts t WHERE account_id = $1 ORDER BY id"#,
            account
        )
        .fetch(connection),
        Part::AuditEvents => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM audit_events t WHERE account_id = $1 ORDER BY id"#,
            account
        )
        .fetch(connection),
        Part::Escalations => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM escalations t WHERE account_id = $1 ORDER BY incident_id"#,
            account
        )
        .fetch(connection),
        Part::Policies => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM policies t WHERE account_id = $1 ORDER BY id"#,
            account
        )
        .fetch(connection),
        Part::MaintenanceWindows => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM maintenance_windows t WHERE account_id = $1 ORDER BY id"#,
            account
        )
        .fetch(connection),
        Part::Schedules => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM schedules t WHERE account_id = $1 ORDER BY id"#,
            account
        )
        .fetch(connection),
        Part::ScheduleOverrides => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM schedule_overrides t WHERE account_id = $1 ORDER BY starts_at, id"#,
            account
        )
        .fetch(connection),
        Part::DeployMarkers => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM deploy_markers t WHERE account_id = $1 ORDER BY id"#,
            account
        )
        .fetch(connection),
        _ => sqlx::query_scalar!(
            r#"SELECT to_jsonb(t) AS "row!" FROM maintenance_occurrences t WHERE account_id = $1 ORDER BY starts_at, id"#,
            account
        )
        .fetch(connection),
    })
}

fn mapped<'c>(
    rows: BoxStream<'c, Result<Value, sqlx::Error>>,
) -> BoxStream<'c, Result<Value, Error>> {
    rows.map(|row| row.map_err(Error::from)).boxed()
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use sqlx::PgPool;

    use super::*;
    use crate::Secrets;
    use crate::contacts::hooks::{
        self,
        tests::{SECRET_PARTS, telegram, webhook},
    };

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn no_secret_of_a_contact_leaves(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, contact, _) = webhook(&pool, &secrets).await;
        let mut connection = pool.acquire().await.unwrap();
        let (chat, bot) = telegram();
        hooks::insert(&mut connection, &secrets, account, &chat, (&bot, None))
            .await
            .unwrap();
        let (now, hash) = (contact.created_at, b"a hash of a code".as_slice());
        crate::contacts::set_code(&mut connection, account, contact.id, hash, (now, now))
            .await
            .unwrap();
        let mut file = String::new();
        for part in Part::ALL {
            let rows: Vec<Value> = rows(&mut connection, account, part)
                .try_collect()
                .await
                .unwrap();
            file.push_str(&Value::from(rows).to_string());
        }
        assert!(
            file.contains("shop.example/"),
            "the contact is there: {file}"
        );
        for column in ["_sealed", "address_canonical", "code_hash"] {
            assert!(!file.contains(column), "{column}: {file}");
        }
        let sealed = sqlx::query_scalar!(
            r#"SELECT part AS "part!" FROM contacts,
                 unnest(ARRAY[url_sealed, service_sealed, secret_sealed, address_canonical, code_hash::text]) part
               WHERE part IS NOT NULL"#
        )
        .fetch_all(&mut *connection)
        .await
        .unwrap();
        let kept = sealed.iter().map(String::as_str).chain(SECRET_PARTS);
        for secret in kept {
            assert!(!file.contains(secret), "{secret}: {file}");
        }
    }
}
