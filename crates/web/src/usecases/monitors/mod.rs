//! Monitors: make, replace, change, and everything that is pressed on their pages.
//!
//! Whatever makes a monitor count (create, duplicate, restore, resume) first locks the account's row, so
//! that racing requests see each other; paused monitors count.

mod bulk;
mod change;
mod checked;
mod keyword;
mod origin;

pub use bulk::{Action, BulkItem, MAX_BULK, bulk};
pub(in crate::usecases) use change::respec;
pub use change::{delete, duplicate, pause, restore, resume};
pub use checked::{MASK, masked_auth, masked_url, unmask};
pub use keyword::{dismiss_keyword, watch_keyword};
pub use origin::{PendingProof, verify_origin, wait_for_proof};

use domain::account::Plan;
use domain::ids::{LookRequestId, MonitorId};
use domain::monitor::{Monitor, MonitorSpec};
use sqlx::PgConnection;
use store::look_requests::Reason;

use super::looks::{self, PendingLook};
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};
use crate::state::AppState;
use crate::throttle::{CHECK_NOW, TEST_LOOK};

/// A monitor to be made.
#[derive(Debug, Clone, Default)]
pub struct NewMonitor {
    /// Its settings as written.
    pub spec: MonitorSpec,
    /// It is not looked at until it is resumed.
    pub paused: bool,
}

/// A monitor that was made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The monitor.
    pub monitor: Monitor,
    /// Its first look, on its way as soon as the transaction commits; none while it is paused, and none
    /// of a heartbeat.
    pub look: Option<PendingLook>,
}

/// Makes a monitor and asks for its first look.
pub async fn create(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    new: NewMonitor,
) -> UseCaseResult<Created> {
    let plan = lock_account(connection, caller).await?;
    checked::check(connection, state, caller, plan, (&new.spec, None)).await?;
    room_for(connection, caller, plan, 1).await?;
    insert(connection, state, caller, new).await
}

/// Makes several or none. A complaint's pointer begins with the monitor's place in the list.
pub async fn create_many(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    all: Vec<NewMonitor>,
) -> UseCaseResult<Vec<Created>> {
    let plan = lock_account(connection, caller).await?;
    room_for(
        connection,
        caller,
        plan,
        u32::try_from(all.len()).unwrap_or(u32::MAX),
    )
    .await?;
    let mut made = Vec::with_capacity(all.len());
    for (place, new) in all.into_iter().enumerate() {
        let one = async {
            checked::check(connection, state, caller, plan, (&new.spec, None)).await?;
            insert(connection, state, caller, new).await
        };
        made.push(one.await.map_err(|error| at_place(error, place))?);
    }
    Ok(made)
}

fn at_place(error: UseCaseError, place: usize) -> UseCaseError {
    let UseCaseError::Invalid(mut errors) = error else {
        return error;
    };
    for error in &mut errors {
        error.pointer.insert_str(0, &format!("/{place}"));
    }
    UseCaseError::Invalid(errors)
}

/// What putting a monitor under its owner's own key did.
#[derive(Debug, Clone)]
pub enum Put {
    /// There was none: it was made.
    Created(Box<Created>),
    /// Its settings were replaced.
    Replaced(Box<Monitor>),
}

/// Makes the monitor of this key, or replaces all its settings. `before` is the monitor that carries
/// the key now, as [`find_by_key_locked`] gave it; masks in `new` stand for its secrets.
pub async fn put_by_key(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (key, before): (&str, Option<Monitor>),
    mut new: NewMonitor,
) -> UseCaseResult<Put> {
    if new.spec.key.as_deref().is_some_and(|given| given != key) {
        return Err(UseCaseError::field(
            "/key",
            "conflict",
            "must be the key in the address, or left out",
        ));
    }
    new.spec.key = Some(key.to_owned());
    match before {
        Some(before) => {
            let saved = save(connection, state, caller, &before, new.spec).await?;
            let saved = match (new.paused, saved.paused_at.is_some()) {
                (true, false) => pause(connection, state, caller, saved.id).await?,
                (false, true) => resume(connection, state, caller, saved.id).await?,
                _ => saved,
            };
            Ok(Put::Replaced(Box::new(saved)))
        }
        None => Ok(Put::Created(Box::new(
            create(connection, state, caller, new).await?,
        ))),
    }
}

/// The monitor, locked against other changes until the transaction ends.
pub async fn find_locked(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<Monitor> {
    store::monitors::lock(connection, caller.account_id, id).await?;
    store::monitors::find(connection, &state.secrets, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)
}

/// The monitor of a key. The account is locked, so that none appears meanwhile.
pub async fn find_by_key_locked(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    key: &str,
) -> UseCaseResult<Option<Monitor>> {
    lock_account(connection, caller).await?;
    match store::monitors::find_id_by_key(connection, caller.account_id, key).await? {
        Some(id) => Ok(Some(find_locked(connection, state, caller, id).await?)),
        None => Ok(None),
    }
}

/// Writes new settings over those of `before`, which [`find_locked`] gave. Masked secrets keep their
/// old value. A new target ends the open incident and is looked at once.
pub async fn save(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    before: &Monitor,
    mut spec: MonitorSpec,
) -> UseCaseResult<Monitor> {
    unmask(&mut spec, Some(&before.spec));
    if spec
        .kind()
        .is_some_and(|kind| Some(kind) != before.spec.kind())
    {
        return Err(UseCaseError::conflict(
            Some("/kind"),
            "The kind of a monitor cannot change. Make a new one.",
        ));
    }
    let plan = plan_of(connection, caller).await?;
    checked::check(connection, state, caller, plan, (&spec, Some(before))).await?;
    if spec == before.spec {
        return Ok(before.clone());
    }
    let monitor = Monitor {
        spec,
        config_version: before.config_version + 1,
        updated_at: caller.now,
        ..before.clone()
    };
    if !store::monitors::update(connection, &state.secrets, &monitor).await? {
        return Err(UseCaseError::NotFound);
    }
    incidents::edit_monitor(connection, (before, &monitor), &caller.by(), caller.now).await?;
    let (old, new) = (before.settings().target, monitor.settings().target);
    if old != new {
        let key = (caller.account_id, monitor.id);
        store::keyword_proposals::forget(connection, key).await?;
    }
    let moved = new.display() != old.display();
    if moved && monitor.paused_at.is_none() {
        first_look(connection, state, caller, &monitor).await?;
    }
    Ok(monitor)
}

/// Asks for the first look at a monitor; a heartbeat is waited for.
async fn first_look(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    monitor: &Monitor,
) -> UseCaseResult<Option<PendingLook>> {
    if !monitor.settings().target.kind().looks() {
        return Ok(None);
    }
    let look = looks::request(connection, state, caller, (monitor, Reason::First)).await?;
    Ok(Some(look))
}

/// What is asked for where there is nothing to look at.
fn only_waits() -> UseCaseError {
    UseCaseError::conflict(
        None,
        "A heartbeat monitor waits for its job to call; there is nothing to look at.",
    )
}

/// Asks for a look at the monitor now, at most six a minute.
pub async fn check_now(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<PendingLook> {
    let monitor = store::monitors::find(connection, &state.secrets, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    if !monitor.settings().target.kind().looks() {
        return Err(only_waits());
    }
    if monitor.paused_at.is_some() {
        return Err(UseCaseError::conflict(
            None,
            "The monitor is paused. Resume it to look at it.",
        ));
    }
    looks::take_one(connection, state, caller, (CHECK_NOW, &id.to_string())).await?;
    looks::request(connection, state, caller, (&monitor, Reason::Manual)).await
}

/// Asks for one look without a monitor: "Test" of the form, and `POST /checks`.
pub async fn test_look(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    spec: MonitorSpec,
) -> UseCaseResult<PendingLook> {
    let plan = plan_of(connection, caller).await?;
    checked::check(connection, state, caller, plan, (&spec, None)).await?;
    if spec.kind().is_some_and(|kind| !kind.looks()) {
        return Err(only_waits());
    }
    looks::take_one(
        connection,
        state,
        caller,
        (TEST_LOOK, &caller.account_id.to_string()),
    )
    .await?;
    looks::request_without_monitor(connection, state, caller, spec).await
}

async fn insert(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    new: NewMonitor,
) -> UseCaseResult<Created> {
    let monitor = Monitor {
        id: MonitorId::generate(),
        account_id: caller.account_id,
        spec: new.spec,
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: caller.now,
        updated_at: caller.now,
    };
    store::monitors::insert(connection, &state.secrets, &monitor).await?;
    incidents::monitor_created(
        connection,
        caller.account_id,
        monitor.id,
        &caller.by(),
        caller.now,
    )
    .await?;
    if new.paused {
        let monitor = pause(connection, state, caller, monitor.id).await?;
        return Ok(Created {
            monitor,
            look: None,
        });
    }
    let look = first_look(connection, state, caller, &monitor).await?;
    Ok(Created { monitor, look })
}

/// Locks the account's row and gives its plan.
pub async fn lock_account(connection: &mut PgConnection, caller: &Caller) -> UseCaseResult<Plan> {
    store::accounts::lock(connection, caller.account_id)
        .await?
        .ok_or(UseCaseError::NotFound)
}

async fn plan_of(connection: &mut PgConnection, caller: &Caller) -> UseCaseResult<Plan> {
    let account = store::accounts::find(connection, caller.account_id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    Ok(account.plan)
}

async fn room_for(
    connection: &mut PgConnection,
    caller: &Caller,
    plan: Plan,
    more: u32,
) -> UseCaseResult<()> {
    let used = store::monitors::count(connection, caller.account_id).await?;
    Ok(PlanLimit::check(Resource::Monitors, plan, used, more)?)
}

/// The ids of the first looks, for whoever wants to wait for them.
pub fn first_looks(created: &[Created]) -> Vec<LookRequestId> {
    created
        .iter()
        .filter_map(|one| one.look.as_ref().map(|look| look.id))
        .collect()
}
