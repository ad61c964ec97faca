//! Outages that maintenance has held, after its end, and those that were held behind another one.

use domain::alert::dependency::Behind;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::{Settings, schedule};
use domain::status::{Effect, MonitorState, Observed, step};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::look_requests::Reason;
use store::maintenance::covering;
use store::states::{self, Stored, votes};
use store::{Secrets, ingest};

use crate::opening::{self, Held, Outage};
use crate::record::{self, Recorded, Round, Scene};
use crate::{Result, ask, dependencies};

/// What the look that is asked for may take beyond its time-out, canaries included.
const ANSWER_SLACK: SignedDuration = SignedDuration::from_secs(15);
/// Rows in one sweep.
const BATCH: u32 = 500;

/// Decides on what waits to hear whether it stands behind another outage; asks for a look at everything
/// that is held by what is over; and opens the incidents of what nobody could look at, or of jobs that have
/// not called since. Says how many were opened.
pub async fn decide_held(pool: &PgPool, secrets: &Secrets, now: Timestamp) -> Result<usize> {
    let mut connection = pool.acquire().await?;
    let due = states::list_held(&mut connection, now, BATCH).await?;
    drop(connection);
    let mut opened = 0;
    for (account, monitor) in due {
        match decide(pool, secrets, (account, monitor), now).await {
            Ok(recorded) => opened += usize::from(recorded.is_some_and(|r| r.opened.is_some())),
            Err(error) => {
                tracing::error!(monitor.id = %monitor, %error, "what was held is not decided");
            }
        }
    }
    Ok(opened)
}

async fn decide(
    pool: &PgPool,
    secrets: &Secrets,
    (account_id, monitor_id): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<Option<Recorded>> {
    let mut transaction = store::begin(pool).await?;
    let stored = states::lock(&mut transaction, account_id, monitor_id).await?;
    let subject = states::find_subject(&mut transaction, account_id, monitor_id).await?;
    let (Some(stored), Some(subject)) = (stored, subject) else {
        return Ok(None);
    };
    let covered = covering(&mut transaction, account_id, monitor_id, now).await?;
    if stored.held_since.is_none() || covered.is_some() {
        return Ok(None);
    }
    let (is_watched, looks) = (
        subject.is_watched,
        subject.spec.kind().is_none_or(|kind| kind.looks()),
    );
    let scene = Scene {
        account_id,
        monitor_id,
        spec: subject.spec,
        now,
    };
    let mut recorded = Recorded::decided(stored.state.clone());
    let mut next = stored.clone();
    let is_down = is_watched && stored.state.observed == Observed::Down;
    let above = match is_down {
        true => behind(&mut transaction, secrets, &scene, &stored).await?,
        false => Above::Nothing,
    };
    let verdict = match (above, is_down, looks) {
        (_, false, _) => Verdict::Drop,
        (Above::Says(verdict), ..) => verdict,
        (Above::Nothing, true, true) => looked(&mut transaction, secrets, &scene, &stored).await?,
        (Above::Nothing, true, false) => called(&mut transaction, now).await?,
    };
    match verdict {
        Verdict::Wait => {
            transaction.commit().await?;
            return Ok(None);
        }
        Verdict::Behind(monitor_id) => {
            next.held_asked_at = None;
            next.behind = Some(states::Behind {
                monitor_id,
                until: None,
            });
        }
        Verdict::Ask => next.held_asked_at = Some(now),
        Verdict::Blind => next.held_asked_at = None,
        Verdict::Drop => next.held_since = None,
        Verdict::Open => {
            next.held_since = None;
            let cast = votes::list(&mut transaction, account_id, monitor_id).await?;
            let voters = record::voters(&mut transaction, &scene, None).await?;
            let round = Round {
                votes: &cast,
                voters: &voters,
                looked: None,
            };
            let held = (&scene, &stored.state);
            let seen = (&stored, &round);
            open_held(&mut transaction, secrets, held, seen, &mut recorded).await?;
        }
    }
    record::save(&mut transaction, &scene, &stored, next, &recorded).await?;
    transaction.commit().await?;
    Ok(Some(recorded))
}

/// What is to be done with what was held.
enum Verdict {
    /// Nothing yet.
    Wait,
    /// A look was asked for.
    Ask,
    /// Nobody sees: what was asked for counts for nothing.
    Blind,
    /// It stands behind this one.
    Behind(MonitorId),
    /// It is no outage any more.
    Drop,
    /// It opens.
    Open,
}

/// What the monitors that it depends on have to say.
enum Above {
    /// They decide.
    Says(Verdict),
    /// It does not stand behind any.
    Nothing,
}

/// Whether it stands behind another outage. One that was sure a moment ago, and waited to hear that,
/// opens without another look.
async fn behind(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    stored: &Stored,
) -> Result<Above> {
    let since = stored.state.since;
    let waits_until = stored.behind.and_then(|behind| behind.until);
    let until = waits_until.unwrap_or(scene.now);
    let decided = dependencies::decide(connection, scene, (since, until)).await?;
    Ok(match (decided, waits_until) {
        (Behind::Hold(parent), _) if stored.suppressed_by() == Some(parent) => {
            Above::Says(Verdict::Wait)
        }
        (Behind::Hold(parent), _) => Above::Says(Verdict::Behind(parent)),
        (Behind::Wait { .. }, _) => {
            dependencies::look_above(connection, secrets, scene, since).await?;
            Above::Says(Verdict::Wait)
        }
        (Behind::Open, Some(_)) => Above::Says(Verdict::Open),
        (Behind::Open, None) => Above::Nothing,
    })
}

/// A monitor that is looked at: a look that began after the end decides. Without one in time, what was
/// seen last counts, unless nobody sees.
async fn looked(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    stored: &Stored,
) -> Result<Verdict> {
    let now = scene.now;
    let timeout = SignedDuration::try_from(Settings::of(&scene.spec).timeout)
        .unwrap_or(SignedDuration::from_mins(1));
    let patience = timeout + ANSWER_SLACK;
    let waits = stored
        .held_asked_at
        .is_some_and(|asked| now.duration_since(asked) < patience);
    if waits || (stored.held_asked_at.is_some() && stored.state.confirming) {
        return Ok(Verdict::Wait);
    }
    let mut seeing = Vec::new();
    for region in record::voters(connection, scene, None).await? {
        let shard = schedule::shard(scene.monitor_id);
        let dark = store::blind::list(connection, &region, shard, now).await?;
        if dark.is_empty() {
            seeing.push(region);
        }
    }
    if seeing.is_empty() {
        return Ok(Verdict::Blind);
    }
    if stored.held_asked_at.is_some() {
        return Ok(Verdict::Open);
    }
    let asked = (seeing.as_slice(), Reason::Recheck);
    let monitor = (scene.account_id, scene.monitor_id);
    ask::ask(connection, secrets, monitor, asked, now).await?;
    Ok(Verdict::Ask)
}

/// A heartbeat: what was heard is known, while calls reach us.
async fn called(connection: &mut PgConnection, now: Timestamp) -> Result<Verdict> {
    let settled = ingest::sight(connection).await?.is_settled(now);
    Ok(if settled {
        Verdict::Open
    } else {
        Verdict::Wait
    })
}

/// Opens the incident of an outage that was held.
pub(crate) async fn open_held(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (scene, state): (&Scene, &MonitorState),
    (stored, round): (&Stored, &Round<'_>),
    recorded: &mut Recorded,
) -> Result<()> {
    let Some(Effect::Open {
        first_failure_at,
        failure,
        attribution,
        looks,
    }) = step::standing(state, round.votes, round.voters)
    else {
        return Ok(());
    };
    let outage = Outage {
        first_failure_at,
        failure: &failure,
        attribution,
        looks,
        votes: round.votes,
        voters: round.voters,
        looked: round.looked,
        held: held_by(connection, scene, stored).await?,
    };
    recorded.opened = opening::open(connection, secrets, scene, &outage).await?;
    store::changes::notify(connection, scene.account_id, "monitor", scene.monitor_id).await?;
    Ok(())
}

/// What kept it from being told; nothing did when it only waited to hear.
async fn held_by(
    connection: &mut PgConnection,
    scene: &Scene,
    stored: &Stored,
) -> Result<Option<Held>> {
    let Some(behind) = stored.behind else {
        return Ok(Some(Held::Maintenance));
    };
    if behind.until.is_some() {
        return Ok(None);
    }
    let parent = states::find_subject(connection, scene.account_id, behind.monitor_id).await?;
    let name = parent.map(|parent| Settings::of(&parent.spec).name);
    let name = name.unwrap_or_else(|| "another monitor".to_owned());
    Ok(Some(Held::Behind(name)))
}
