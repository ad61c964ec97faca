//! What changed in a target's good answers: remembered as looks see it, and named in the incident that follows.

use std::collections::HashMap;

use domain::answer::{self, Answer, Change};
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::diagnosis::{CHANGED, EvidenceLine};
use domain::incident::{Actor, Diagnosis};
use domain::marker::BEFORE;
use domain::monitor::Settings;
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use store::answers::{self, Renewed};

use crate::record::{Looked, Scene};
use crate::{Result, timeline};

/// A good answer as a look saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAnswer {
    /// The tenant.
    pub account_id: AccountId,
    /// What was looked at.
    pub monitor_id: MonitorId,
    /// Of which target it is; see [`answer::subject`].
    pub subject: String,
    /// The answer.
    pub answer: Answer,
    /// The begin of the look.
    pub at: Timestamp,
}

/// Remembers good answers of `region`, one a monitor; what is as it was is not written.
pub async fn record_answers(
    pool: &PgPool,
    region: &str,
    seen: &[SeenAnswer],
    now: Timestamp,
) -> Result<()> {
    let keys: Vec<_> = seen
        .iter()
        .map(|one| (one.account_id, one.monitor_id))
        .collect();
    let mut transaction = store::begin(pool).await?;
    let stored = answers::list(&mut transaction, region, &keys).await?;
    let mut stored: HashMap<_, _> = stored
        .into_iter()
        .map(|(id, subject, known)| (id, (subject, known)))
        .collect();
    let renewed = seen.iter().filter_map(|one| {
        let before = stored.remove(&one.monitor_id);
        let before = before.filter(|(subject, _)| *subject == one.subject);
        let before = before.map(|(_, known)| known);
        let (known, changes) = answer::remember(before.as_ref(), &one.answer, one.at)?;
        Some(Renewed {
            account_id: one.account_id,
            monitor_id: one.monitor_id,
            subject: one.subject.clone(),
            known,
            changes,
        })
    });
    let renewed: Vec<Renewed> = renewed.collect();
    if !renewed.is_empty() {
        answers::upsert(&mut transaction, region, &renewed, now).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// What changed before an outage, and what is another with it.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The last first.
    before: Vec<Change>,
    with: Vec<Change>,
}

impl Changed {
    /// Of the monitor of `scene`, whose first failing look began at `since`.
    pub(crate) async fn of(
        connection: &mut PgConnection,
        scene: &Scene,
        looked: Option<&Looked>,
        since: Timestamp,
    ) -> Result<Self> {
        let key = (scene.account_id, scene.monitor_id);
        let target = Settings::of(&scene.spec).target;
        let subject = answer::subject(&target);
        let from = since.saturating_sub(BEFORE).unwrap_or(Timestamp::MIN);
        let span = (from, since);
        let all = answers::list_changes(connection, key, &subject, span).await?;
        let mut before: Vec<Change> = Vec::new();
        for change in all {
            // Other regions saw the same a little later: the first to see it says when.
            let same = |one: &&mut Change| one.aspect == change.aspect && one.after == change.after;
            match before.iter_mut().find(same) {
                Some(seen) => seen.at = seen.at.min(change.at),
                None => before.push(change),
            }
        }
        before.truncate(answer::NAMED);
        let with = match looked {
            Some(looked) => other_with(connection, key, &subject, looked).await?,
            None => Vec::new(),
        };
        Ok(Self { before, with })
    }

    /// The diagnosis with a line for each: they stand beside it, and decide nothing.
    pub(crate) fn shown(
        &self,
        diagnosis: Option<Diagnosis>,
        first_failure_at: Timestamp,
    ) -> Option<Diagnosis> {
        let mut diagnosis = diagnosis?;
        let before = self.before.iter();
        let before = before.map(|change| answer::before(change, first_failure_at));
        let lines = before.chain(self.with.iter().map(answer::now));
        let lines = lines.map(|value| EvidenceLine {
            label: CHANGED.to_owned(),
            value,
        });
        diagnosis.evidence.extend(lines);
        Some(diagnosis)
    }

    /// Writes what came before into the timeline of an incident, each at its time.
    pub(crate) async fn note(
        &self,
        connection: &mut PgConnection,
        (account, incident): (AccountId, IncidentId),
        first_failure_at: Timestamp,
        actor: &Actor,
    ) -> Result<()> {
        for change in &self.before {
            let entry = (
                "note",
                format!("{}.", answer::before(change, first_failure_at)),
            );
            timeline::add(connection, account, incident, entry, (actor, change.at)).await?;
        }
        Ok(())
    }
}

/// What the failing look saw otherwise than every good one of its region.
async fn other_with(
    connection: &mut PgConnection,
    key: (AccountId, MonitorId),
    subject: &str,
    looked: &Looked,
) -> Result<Vec<Change>> {
    let failure = looked.look.verdict.failure.as_ref();
    let (Some(seen), Some(failure)) = (&looked.answer, failure) else {
        return Ok(Vec::new());
    };
    let found = answers::find(connection, key, &looked.look.region).await?;
    let known = found.filter(|(of, _)| of == subject);
    let differs = |(_, known)| answer::difference(&known, seen, failure.class, looked.look.at);
    Ok(known.map(differs).unwrap_or_default())
}
