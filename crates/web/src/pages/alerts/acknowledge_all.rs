//! `/a/{token}` of a message about several outages: one contact takes all of them.

use askama::Template;
use domain::incident::{Actor, ActorKind};
use domain::words;
use incidents::By;
use store::incidents::groups::{Told, list_of_message};

use super::acknowledge::All;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::state::AppState;
use crate::view::{Moment, Shell, render};

/// Outages that are named; of the others their number is told.
const NAMED: usize = 20;
/// Outages that are taken in one transaction.
const BATCH: usize = 100;

#[derive(Template)]
#[template(path = "alerts/acknowledge_all.html")]
struct AcknowledgeAllPage {
    shell: Shell,
    all: usize,
    open: usize,
    free: usize,
    since: Moment,
    /// Who has some of them.
    takers: Vec<String>,
    lines: Vec<Line>,
    more: usize,
    incidents: String,
}

struct Line {
    monitor: String,
    cause: String,
    is_open: bool,
    taken_by: Option<String>,
}

/// Shows what is down and a button.
pub(super) async fn show(visitor: &Visitor, state: &AppState, named: &All) -> PageResult {
    let mut transaction = store::tenant::begin(&state.pool, named.account).await?;
    let told = list_of_message(&mut transaction, named.account, named.delivery).await?;
    let first = told.first().ok_or(PageError::NotFound)?;
    let account = store::accounts::find(&mut transaction, named.account)
        .await?
        .ok_or(PageError::NotFound)?;
    let open = || told.iter().filter(|one| one.is_open);
    let mut takers: Vec<String> = open().filter_map(|one| one.taken_by.clone()).collect();
    takers.sort();
    takers.dedup();
    render(&AcknowledgeAllPage {
        shell: visitor.shell(format!("{} monitors", told.len())),
        all: told.len(),
        open: open().count(),
        free: open().filter(|one| one.taken_by.is_none()).count(),
        since: Moment::new(first.first_failure_at, words::zone(&account.timezone)),
        takers,
        lines: told.iter().take(NAMED).map(line).collect(),
        more: told.len().saturating_sub(NAMED),
        incidents: first
            .group
            .as_ref()
            .map_or_else(|| "/incidents".to_owned(), |short| format!("/g/{short}")),
    })
}

fn line(told: &Told) -> Line {
    Line {
        monitor: told.monitor_name.clone(),
        cause: words::cause_sentence_case(&told.failure, told.attribution),
        is_open: told.is_open,
        taken_by: told.taken_by.clone(),
    }
}

/// Takes those that nobody has. Some at a time: whoever takes 5,000 must not hold 5,000 locks, and a
/// second press goes on where the first one stopped.
pub(super) async fn take(state: &AppState, named: &All) -> PageResult<()> {
    let mut transaction = store::tenant::begin(&state.pool, named.account).await?;
    let contact = store::contacts::find(&mut transaction, named.account, named.contact)
        .await?
        .ok_or(PageError::NotFound)?;
    let told = list_of_message(&mut transaction, named.account, named.delivery).await?;
    drop(transaction);
    let by = By {
        contact_id: Some(named.contact),
        ..By::actor(Actor {
            kind: ActorKind::Contact,
            name: contact.name,
        })
    };
    let free: Vec<&Told> = told
        .iter()
        .filter(|one| one.is_open && one.taken_by.is_none())
        .collect();
    for some in free.chunks(BATCH) {
        let mut transaction = store::tenant::begin(&state.pool, named.account).await?;
        for one in some {
            let now = state.now();
            incidents::acknowledge(&mut transaction, named.account, one.incident_id, &by, now)
                .await
                .map_err(PageError::internal)?;
        }
        transaction.commit().await.map_err(store::Error::from)?;
    }
    Ok(())
}
