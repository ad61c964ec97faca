//! What cannot be there: when it answers, something on our side answers for others, and what looks up
//! may be down. Readiness fails, the log and a metric say so, and the operator gets a mail.

use domain::canary::Standing;
use domain::contact::Channel;
use domain::delivery::AccountMessage;
use futures::future::join_all;
use jiff::SignedDuration;
use metrics::gauge;
use store::account_messages::NewAccountMessage;
use store::canaries;

use super::DEADLINE;
use crate::metrics as names;
use crate::shared::Shared;

/// While it lasts the operator is told this often, whichever worker of the region sees it.
const TOLD_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Looks at what cannot be there.
pub(super) async fn ask(shared: &Shared) {
    let all = &shared.canaries;
    let Some(prober) = &all.prober else {
        return;
    };
    let looks = all.known_dead.iter().map(|one| async {
        let (seen, _) = one.look(prober, shared.now()).await;
        (&one.url, seen.http.is_some())
    });
    let alive: Vec<&String> = join_all(looks)
        .await
        .into_iter()
        .filter_map(|(url, answers)| answers.then_some(url))
        .collect();
    gauge!(names::LYING).set(f64::from(u32::try_from(alive.len()).unwrap_or(u32::MAX)));
    for url in &alive {
        tracing::error!(
            url,
            "what cannot exist has answered: something between us and the internet answers for others, and what we see as up may be down"
        );
    }
    let first = alive.first().map(|url| (*url).clone());
    shared.health.set_lie(first.clone());
    let Some(url) = first else { return };
    match tokio::time::timeout(DEADLINE, tell(shared, url)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the operator is not told yet"),
        Err(_) => tracing::warn!("telling the operator takes too long"),
    }
}

/// Writes a mail to the operator, unless one was written within [`TOLD_EVERY`].
async fn tell(shared: &Shared, url: String) -> Result<(), incidents::Error> {
    let Some(address) = &shared.config.operator else {
        return Ok(());
    };
    let (now, region) = (shared.now(), &shared.config.region);
    let mut transaction = store::begin(&shared.pool).await?;
    let told = canaries::list(&mut transaction, region).await?;
    let told_at = told.get(&url).and_then(|standing| standing.last_answer_at);
    if told_at.is_some_and(|at| now.duration_since(at) < TOLD_EVERY) {
        return Ok(());
    }
    let mut standing = Standing::default();
    standing.take_in(true, now);
    canaries::upsert(&mut transaction, region, &[(url.clone(), standing)]).await?;
    let message = NewAccountMessage {
        user_id: None,
        account_id: None,
        channel: Channel::Email,
        address: address.clone(),
        message: AccountMessage::KnownDeadAnswering {
            at: now,
            region: shared.config.region_name.clone(),
            url,
        },
        expires_at: None,
    };
    incidents::write_message(&mut transaction, &shared.secrets, &message, now).await?;
    transaction.commit().await?;
    Ok(())
}
