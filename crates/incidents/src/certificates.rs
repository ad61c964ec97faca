//! A certificate was seen: what is remembered of it, and who is told what.

use domain::alert::morning::SOON_DAYS;
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::delivery::payload::CertificateNews;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::Settings;
use domain::tls::expiry::{self, Notice, URGENT_DAYS};
use domain::tls::{CertificateFacts, TlsFacts};
use jiff::Timestamp;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use store::certificates;
use store::states::{self, Subject};

use crate::Result;
use crate::tell::{self, Message};

/// The certificate that a look was shown.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The tenant.
    pub account_id: AccountId,
    /// The monitor that was looked at.
    pub monitor_id: MonitorId,
    /// The version of its settings at that look.
    pub config_version: i64,
    /// What the handshake showed, also when verification failed.
    pub facts: TlsFacts,
}

/// Remembers a certificate and tells of its end, its renewal or its getting worse, once per
/// certificate, threshold and contact however many monitors use it. To be called when the presented
/// certificate or its problem changed, and else once a day. `None`: there is something to tell and the
/// monitor is in maintenance; nothing was remembered, and the next look is to be recorded again.
pub async fn record_certificate(
    pool: &PgPool,
    seen: &Seen,
    now: Timestamp,
) -> Result<Option<Vec<Notice>>> {
    let mut transaction = store::begin(pool).await?;
    let notices = record(&mut transaction, seen, now).await?;
    transaction.commit().await?;
    Ok(notices)
}

async fn record(
    connection: &mut PgConnection,
    seen: &Seen,
    now: Timestamp,
) -> Result<Option<Vec<Notice>>> {
    let (account, monitor) = (seen.account_id, seen.monitor_id);
    // The state's lock keeps an edit of the target, or the same look from another region, apart.
    if states::lock(connection, account, monitor).await?.is_none() {
        return Ok(Some(Vec::new()));
    }
    let subject = states::find_subject(connection, account, monitor).await?;
    let Some(subject) = subject
        .filter(|subject| subject.is_watched && subject.config_version == seen.config_version)
    else {
        return Ok(Some(Vec::new()));
    };
    let settings = Settings::of(&subject.spec);
    let days = &settings.warn_days;
    let before = certificates::find(connection, account, monitor)
        .await?
        .map(|stored| stored.known);
    let Some(known) = expiry::remember(before.as_ref(), &seen.facts, days, now) else {
        return Ok(Some(Vec::new()));
    };
    let notices = expiry::judge(before.as_ref(), &seen.facts, days, now);
    let covered = store::maintenance::covering(connection, account, monitor, now).await?;
    if !notices.is_empty() && covered.is_some() {
        return Ok(None);
    }
    certificates::upsert(connection, account, monitor, (&known, &seen.facts), now).await?;
    let replaced = before.map(|known| known.fingerprint);
    for notice in &notices {
        tell_of(
            connection,
            seen,
            (&subject, &settings),
            (notice, replaced.as_deref()),
            now,
        )
        .await?;
    }
    if !notices.is_empty() {
        store::changes::notify(connection, account, "monitor", monitor).await?;
    }
    Ok(Some(notices))
}

async fn tell_of(
    connection: &mut PgConnection,
    seen: &Seen,
    (subject, settings): (&Subject, &Settings),
    (notice, replaced): (&Notice, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    let Some(leaf) = seen.facts.leaf() else {
        return Ok(());
    };
    let account = seen.account_id;
    let fingerprint = &leaf.fingerprint;
    let (event, about) = match notice {
        Notice::Expiring { days } => (Event::TlsExpiring, format!("{fingerprint}:{days}")),
        Notice::Renewed => (Event::TlsRenewed, fingerprint.clone()),
        Notice::Worse { problem } => {
            let problem = problem.map_or("earlier", domain::check::FailureClass::as_str);
            (Event::TlsWorse, format!("{fingerprint}:{problem}"))
        }
    };
    let message = Message {
        account_id: account,
        event,
        incident_id: None,
        monitor_id: Some(seen.monitor_id),
        subject: about,
        payload: json!(news(connection, seen, settings, (leaf, notice), now).await?),
        wait_until: None,
        can_wait: matches!(notice, Notice::Expiring { days } if *days > SOON_DAYS),
    };
    let warned = match (notice, replaced) {
        (Notice::Renewed, Some(replaced)) => {
            certificates::list_warned(connection, account, replaced).await?
        }
        _ => Vec::new(),
    };
    let wanted = |contact: &Contact| match notice {
        Notice::Expiring { days } => contact.channel != Channel::Sms || *days <= URGENT_DAYS,
        Notice::Renewed => warned.contains(&contact.id),
        Notice::Worse { .. } => contact.channel != Channel::Sms,
    };
    tell::tell_recipients(connection, &message, &subject.spec, wanted, now).await?;
    Ok(())
}

/// The facts as the notifier's texts want them.
async fn news(
    connection: &mut PgConnection,
    seen: &Seen,
    settings: &Settings,
    (leaf, notice): (&CertificateFacts, &Notice),
    now: Timestamp,
) -> Result<CertificateNews> {
    let monitors = certificates::list_users(connection, seen.account_id, &leaf.fingerprint).await?;
    Ok(CertificateNews {
        host: settings.target.host(),
        port: settings.target.port().unwrap_or(443),
        certificate: leaf.clone(),
        not_after: leaf.not_after,
        monitors,
        next_days: expiry::to_come(&settings.warn_days, leaf, now),
        problem: match notice {
            Notice::Worse { problem } => *problem,
            Notice::Expiring { .. } | Notice::Renewed => None,
        },
    })
}
