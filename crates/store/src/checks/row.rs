//! Between a look and its columns.

use std::net::SocketAddr;

use domain::check::{Attribution, Check, Failure, Phase, Phases, VerdictKind, check_id};
use domain::ids::{CheckId, MonitorId};
use jiff_sqlx::ToSqlx;
use sqlx::types::ipnetwork::IpNetwork;
use uuid::Uuid;

use super::Owned;
use crate::{Error, Result};

/// A look as any of its tables has it.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct CheckRow {
    pub monitor_id: Uuid,
    pub region: String,
    /// Of a look that was asked for; else the id is derived.
    pub id: Option<Uuid>,
    pub slot: Option<jiff_sqlx::Timestamp>,
    pub at: jiff_sqlx::Timestamp,
    pub verdict: i16,
    pub total_us: i32,
    pub phases: Vec<Option<i32>>,
    pub status: Option<i16>,
    pub address: Option<IpNetwork>,
    pub port: Option<i32>,
    pub failure: Option<serde_json::Value>,
    pub attribution: Option<String>,
}

impl CheckRow {
    /// The look.
    pub fn into_check(self) -> Result<Check> {
        let monitor = MonitorId::from_uuid(self.monitor_id);
        let impossible = |column| Error::impossible("checks", column, monitor);
        let slot = self.slot.map(jiff_sqlx::Timestamp::to_jiff);
        let id = match (self.id, slot) {
            (Some(id), _) => CheckId::from_uuid(id),
            (None, Some(slot)) => check_id(monitor, &self.region, slot),
            (None, None) => return Err(impossible("slot")),
        };
        let failure: Option<Failure> = self
            .failure
            .map(serde_json::from_value)
            .transpose()
            .map_err(|_| impossible("failure"))?;
        Ok(Check {
            id,
            at: self.at.to_jiff(),
            slot,
            region: self.region,
            verdict: VerdictKind::from_code(self.verdict).ok_or_else(|| impossible("verdict"))?,
            phases: phases(&self.phases),
            total_us: u64::try_from(self.total_us).unwrap_or(0),
            address: self.address.map(|address| {
                let port = self
                    .port
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or(0);
                SocketAddr::new(address.ip(), port)
            }),
            http_status: self.status.and_then(|status| u16::try_from(status).ok()),
            failure,
            attribution: self.attribution.as_deref().and_then(Attribution::parse),
        })
    }
}

fn phases(columns: &[Option<i32>]) -> Phases {
    let mut phases = Phases::default();
    for (phase, spent) in Phase::ALL.into_iter().zip(columns) {
        if let Some(spent) = spent.and_then(|spent| u32::try_from(spent).ok()) {
            phases.add(phase, spent);
        }
    }
    phases
}

pub(super) fn phases_array(phases: &Phases) -> Vec<Option<i32>> {
    Phase::ALL
        .into_iter()
        .map(|phase| phases.get(phase).map(|spent| whole_i32(spent.into())))
        .collect()
}

pub(super) fn whole_i32(microseconds: u64) -> i32 {
    i32::try_from(microseconds).unwrap_or(i32::MAX)
}

/// Looks turned into one array per column, for UNNEST.
#[derive(Default)]
pub(super) struct Columns {
    pub account_id: Vec<Uuid>,
    pub monitor_id: Vec<Uuid>,
    pub region: Vec<String>,
    pub slot: Vec<jiff_sqlx::Timestamp>,
    pub at: Vec<jiff_sqlx::Timestamp>,
    pub verdict: Vec<i16>,
    pub total_us: Vec<i32>,
    pub phases: [Vec<Option<i32>>; 6],
    pub status: Vec<Option<i16>>,
    pub address: Vec<Option<IpNetwork>>,
    pub port: Vec<Option<i32>>,
    pub failure: Vec<Option<serde_json::Value>>,
    pub attribution: Vec<Option<&'static str>>,
}

impl Columns {
    pub(super) fn of(looks: &[&Owned]) -> Self {
        let mut columns = Self::default();
        for look in looks {
            columns.push(look);
        }
        columns
    }

    fn push(&mut self, look: &Owned) {
        let check = &look.check;
        self.account_id.push(look.account_id.uuid());
        self.monitor_id.push(look.monitor_id.uuid());
        self.region.push(check.region.clone());
        self.slot.push(check.slot.unwrap_or(check.at).to_sqlx());
        self.at.push(check.at.to_sqlx());
        self.verdict.push(check.verdict.code());
        self.total_us.push(whole_i32(check.total_us));
        for (column, spent) in self.phases.iter_mut().zip(phases_array(&check.phases)) {
            column.push(spent);
        }
        self.status.push(
            check
                .http_status
                .and_then(|status| i16::try_from(status).ok()),
        );
        self.address
            .push(check.address.map(|address| IpNetwork::from(address.ip())));
        self.port
            .push(check.address.map(|address| i32::from(address.port())));
        self.failure.push(
            check
                .failure
                .as_ref()
                .and_then(|failure| serde_json::to_value(failure).ok()),
        );
        self.attribution
            .push(check.attribution.map(Attribution::as_str));
    }
}
