//! The looks of a monitor as a file.

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use domain::check::{Check, Phase};
use domain::ids::MonitorId;
use domain::report::Window;
use http::header;
use serde::Deserialize;
use store::reports::{ChecksFilter, list_checks};

use super::show_view::Range;
use crate::error::{PageError, PageResult};
use crate::extract::Tenant;
use crate::state::AppState;

/// More than a month of one-minute looks.
const MOST: u32 = 50_000;

/// How far back.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    range: String,
}

/// The file.
pub async fn csv(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let account = tenant.account_id();
    let mut transaction = tenant.read(&state).await?;
    let monitor =
        store::monitors::find_with_deleted(&mut transaction, &state.secrets, account, id).await?;
    monitor.ok_or(PageError::NotFound)?;
    let window = Window::last_hours(state.now(), Range::of(&asked.range).hours());
    let page = list_checks(
        &mut transaction,
        (account, id),
        window,
        &ChecksFilter::default(),
        (None, MOST),
    )
    .await?;
    let body = write(&page.checks).map_err(PageError::internal)?;
    let name = format!("attachment; filename=\"{id}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

fn write(checks: &[Check]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head = vec!["id", "at", "region", "verdict", "total_ms"];
    head.extend([
        "dns_ms",
        "connect_ms",
        "tls_ms",
        "send_ms",
        "first_byte_ms",
        "body_ms",
    ]);
    head.extend(["http_status", "address", "failure", "message"]);
    writer.write_record(head)?;
    for check in checks {
        let ms = |us: Option<u32>| {
            us.map(|us| format!("{:.1}", f64::from(us) / 1000.0))
                .unwrap_or_default()
        };
        let mut row = vec![
            check.id.to_string(),
            check.at.to_string(),
            check.region.clone(),
            check.verdict.as_str().to_owned(),
        ];
        row.push(format!("{:.1}", check.total_us as f64 / 1000.0));
        row.extend(Phase::ALL.map(|phase| ms(check.phases.get(phase))));
        row.push(
            check
                .http_status
                .map(|status| status.to_string())
                .unwrap_or_default(),
        );
        row.push(
            check
                .address
                .map(domain::words::address)
                .unwrap_or_default(),
        );
        row.push(
            check
                .failure
                .as_ref()
                .map(|failure| failure.class.as_str().to_owned())
                .unwrap_or_default(),
        );
        row.push(
            check
                .failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .unwrap_or_default(),
        );
        writer.write_record(row)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}
