//! A registry told when a registration ends: who is told how long before.

use domain::alert::morning::SOON_DAYS;
use domain::check::RegistrationFacts;
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::delivery::payload::RegistrationNews;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::{Settings, registration};
use domain::tls::expiry::URGENT_DAYS;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgPool;
use store::states;

use crate::Result;
use crate::tell::{self, Message};

/// What a look was told of a registration.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The tenant.
    pub account_id: AccountId,
    /// The monitor that was looked at.
    pub monitor_id: MonitorId,
    /// The version of its settings at that look.
    pub config_version: i64,
    /// What the registry says.
    pub facts: RegistrationFacts,
}

/// Warns of an end that comes near, and answers the threshold that was passed. Each threshold of each
/// end is told to each contact once: what was told is known by the delivery itself, so that nothing
/// else is kept of a registration.
pub async fn record_registration(
    pool: &PgPool,
    seen: &Registered,
    now: Timestamp,
) -> Result<Option<u32>> {
    let Some(expires_at) = seen.facts.expires_at else {
        return Ok(None);
    };
    let (account, monitor) = (seen.account_id, seen.monitor_id);
    let mut transaction = store::begin(pool).await?;
    if states::lock(&mut transaction, account, monitor)
        .await?
        .is_none()
    {
        return Ok(None);
    }
    let subject = states::find_subject(&mut transaction, account, monitor).await?;
    let Some(subject) = subject
        .filter(|subject| subject.is_watched && subject.config_version == seen.config_version)
    else {
        return Ok(None);
    };
    let warn_days = Settings::of(&subject.spec).warn_days;
    let Some(days) = registration::passed(&warn_days, expires_at, now) else {
        return Ok(None);
    };
    let news = RegistrationNews {
        name: seen.facts.name.clone(),
        expires_at,
        source: seen.facts.source.clone(),
        next_days: registration::to_come(&warn_days, expires_at, now),
    };
    let message = Message {
        account_id: account,
        event: Event::DomainExpiring,
        incident_id: None,
        monitor_id: Some(monitor),
        subject: format!("{}:{}:{days}", news.name, expires_at.as_second()),
        payload: json!(news),
        // The registry is asked once a day: what it told is kept for the end of maintenance.
        wait_until: store::maintenance::covering(&mut transaction, account, monitor, now).await?,
        can_wait: days > SOON_DAYS,
    };
    let wanted = |contact: &Contact| contact.channel != Channel::Sms || days <= URGENT_DAYS;
    tell::tell_recipients(&mut transaction, &message, &subject.spec, wanted, now).await?;
    transaction.commit().await?;
    Ok(Some(days))
}
