//! Hears of changed monitors and wanted looks. A notice that is lost while the connection is, is made
//! up for by a reconcile.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use store::notify;
use tokio_util::sync::CancellationToken;

use crate::catalog;
use crate::shared::Shared;

const AGAIN: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            outcome = listen(&shared) => if let Err(error) = outcome {
                tracing::warn!(%error, "not listening for changes; the timetable is compared every 30 s");
            },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn listen(shared: &Arc<Shared>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(&shared.pool).await?;
    listener
        .listen_all([notify::MONITORS, notify::LOOKS, notify::TOOLS])
        .await?;
    catch_up(shared).await;
    loop {
        match listener.try_recv().await? {
            Some(notice) if notice.channel() == notify::MONITORS => {
                if let Some((account, id)) = notify::parse_monitor(notice.payload()) {
                    shared.reload(account, id);
                }
            }
            Some(notice) if notice.payload() == notify::WATCH => shared.watches.notify_one(),
            Some(notice) if notice.channel() == notify::TOOLS => {
                shared.visitors.notify_one();
                shared.watched.notify_one();
            }
            Some(_) => {
                shared.asked.notify_one();
                shared.examined.notify_one();
                shared.origins.notify_one();
            }
            None => catch_up(shared).await,
        }
    }
}

async fn catch_up(shared: &Arc<Shared>) {
    shared.asked.notify_one();
    shared.visitors.notify_one();
    shared.watched.notify_one();
    shared.watches.notify_one();
    if let Err(error) = catalog::reconcile(shared).await {
        tracing::warn!(%error, "the timetable could not be compared with the monitors");
    }
}
