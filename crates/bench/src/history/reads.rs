//! What pages and the API read, by the functions that they call, fenced to their account as they are.

use domain::ids::MonitorId;
use domain::report::{Window, step_seconds};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::monitors::{Filter, Sort};
use store::reports::{self, ChecksFilter};
use store::{incidents, live, monitors, tenant};

use crate::postgres::Database;
use crate::sample::Sample;

/// Rows of a page.
const ROWS: u32 = 50;

/// Something that is read.
#[derive(Debug, Clone, Copy)]
pub enum Reader {
    /// Response times and uptime with its bar over ninety days.
    Chart,
    /// The same over thirty, in steps of four hours.
    MonthChart,
    /// The newest looks of a monitor.
    Looks,
    /// The first page of the dashboard.
    Dashboard,
    /// Fifty monitors from the API.
    ApiList,
}

/// All of it.
pub const ALL: [Reader; 5] = [
    Reader::Chart,
    Reader::MonthChart,
    Reader::Looks,
    Reader::Dashboard,
    Reader::ApiList,
];

impl Reader {
    /// What the table calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chart => "90-day chart and uptime of a monitor",
            Self::MonthChart => "30-day chart of a monitor",
            Self::Looks => "20 looks of a monitor",
            Self::Dashboard => "dashboard, first page",
            Self::ApiList => "API, 50 monitors",
        }
    }
}

impl Reader {
    /// After a year it shows more than after a day.
    pub const fn shows_more(self) -> bool {
        matches!(self, Self::Chart | Self::MonthChart)
    }
}

/// Reads it.
pub async fn read(
    database: &Database,
    sample: &Sample,
    reader: Reader,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut transaction = tenant::begin(&database.pool, sample.account).await?;
    let monitor = sample.monitors[sample.monitors.len() / 10];
    match reader {
        Reader::Chart => {
            let window = Window::last_days(now, 90);
            chart(&mut transaction, sample, monitor, window).await?;
            let (account, one) = (sample.account, [monitor]);
            reports::uptime(&mut transaction, account, monitor, window).await?;
            reports::bars(&mut transaction, account, &one, window, 90).await?;
        }
        Reader::MonthChart => {
            chart(
                &mut transaction,
                sample,
                monitor,
                Window::last_days(now, 30),
            )
            .await?;
        }
        Reader::Looks => {
            let key = (sample.account, monitor);
            let window = Window::last_days(now, 90);
            let filter = ChecksFilter::default();
            let page =
                reports::list_checks(&mut transaction, key, window, &filter, (None, 20)).await?;
            anyhow::ensure!(page.checks.len() == 20, "there are looks");
        }
        Reader::Dashboard => dashboard(&mut transaction, sample, now).await?,
        Reader::ApiList => api_list(&mut transaction, sample, now).await?,
    }
    transaction.commit().await?;
    Ok(())
}

async fn chart(
    connection: &mut PgConnection,
    sample: &Sample,
    monitor: MonitorId,
    window: Window,
) -> anyhow::Result<()> {
    let step = step_seconds(window);
    let points = reports::response_times(connection, sample.account, monitor, window, step).await?;
    anyhow::ensure!(!points.is_empty(), "there are points");
    Ok(())
}

async fn dashboard(
    connection: &mut PgConnection,
    sample: &Sample,
    now: Timestamp,
) -> anyhow::Result<()> {
    let account = sample.account;
    let all = monitors::list_briefly(connection, account, Sort::Status, now).await?;
    let ids: Vec<MonitorId> = all.iter().take(50).map(|one| one.id).collect();
    let page = Filter {
        ids: Some(ids.clone()),
        ..Filter::default()
    };
    let order = (Sort::Name, None, ROWS);
    monitors::list(connection, &sample.secrets, account, &page, order, now).await?;
    let day = Window::last_hours(now, 24);
    reports::last_checks(connection, account, &ids).await?;
    reports::uptimes(connection, account, &ids, Window::last_days(now, 30)).await?;
    live::sparklines(connection, account, &ids, day).await?;
    reports::bars(connection, account, &ids, day, 96).await?;
    store::contacts::list(connection, account).await?;
    store::wallets::find_balance(connection, account).await?;
    store::accounts::find(connection, account).await?;
    incidents::list(connection, account, &Default::default(), None, 1).await?;
    monitors::count_deleted(connection, account).await?;
    store::policies::list(connection, account).await?;
    store::oncall::list_duties(connection, account, now).await?;
    store::blind::list_sights(connection).await?;
    Ok(())
}

async fn api_list(
    connection: &mut PgConnection,
    sample: &Sample,
    now: Timestamp,
) -> anyhow::Result<()> {
    let account = sample.account;
    let found = monitors::list(
        connection,
        &sample.secrets,
        account,
        &Default::default(),
        (Sort::Name, None, ROWS + 1),
        now,
    )
    .await?;
    let ids: Vec<MonitorId> = found.iter().take(50).map(|one| one.monitor.id).collect();
    let month = Window::last_days(now, 30);
    reports::uptimes(connection, account, &ids, month).await?;
    store::regions::list(connection).await?;
    reports::last_checks(connection, account, &ids).await?;
    Ok(())
}
