//! Between a monitor and its row: secrets are sealed on the way in and put back on the way out.

use domain::ids::{AccountId, MonitorId};
use domain::monitor::spec::Headers;
use domain::monitor::{HttpAuth, Monitor, MonitorSpec};
use domain::target::{join_userinfo, split_userinfo};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::secrets::Place;
use crate::{Error, Result, Secrets};

/// A row of `monitors` as it is stored.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Stored {
    pub account_id: Uuid,
    pub id: Uuid,
    pub spec: Json<MonitorSpec>,
    pub secrets: Option<String>,
    pub config_version: i64,
    pub paused_at: Option<jiff_sqlx::Timestamp>,
    pub deleted_at: Option<jiff_sqlx::Timestamp>,
    pub created_at: jiff_sqlx::Timestamp,
    pub updated_at: jiff_sqlx::Timestamp,
}

impl Stored {
    /// The monitor, with its secrets opened and put back.
    pub fn into_monitor(self, secrets: &Secrets) -> Result<Monitor> {
        let id = MonitorId::from_uuid(self.id);
        let mut spec = self.spec.0;
        if let Some(sealed) = self.secrets {
            let row = id.to_string();
            let opened = secrets.open(place(&row), &sealed)?;
            let hidden: Hidden = serde_json::from_str(&opened)
                .map_err(|_| Error::impossible("monitors", "secrets", id))?;
            hidden.put_back(&mut spec, id)?;
        }
        Ok(Monitor {
            id,
            account_id: AccountId::from_uuid(self.account_id),
            spec,
            config_version: self.config_version,
            paused_at: self.paused_at.map(|at| at.to_jiff()),
            deleted_at: self.deleted_at.map(|at| at.to_jiff()),
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
        })
    }
}

/// What is worked out from a monitor for its row.
pub(super) struct Columns {
    pub kind: &'static str,
    pub name: String,
    pub host: String,
    /// As text: bound as a JSON value it would pass through `jsonb`, which reorders keys.
    pub spec: String,
    pub secrets: Option<String>,
    pub interval_seconds: i32,
    pub tags: Vec<String>,
    pub depends_on: Vec<Uuid>,
    pub severity: &'static str,
}

pub(super) fn columns(secrets: &Secrets, monitor: &Monitor) -> Result<Columns> {
    let settings = monitor.settings();
    let mut spec = monitor.spec.clone();
    let sealed = match Hidden::take_out(&mut spec) {
        Some(hidden) => {
            let plain = serde_json::to_string(&hidden)
                .map_err(|_| Error::impossible("monitors", "secrets", monitor.id))?;
            Some(secrets.seal(place(&monitor.id.to_string()), &plain)?)
        }
        None => None,
    };
    Ok(Columns {
        kind: settings.target.kind().as_str(),
        host: settings.target.host(),
        name: settings.name,
        spec: serde_json::to_string(&spec)
            .map_err(|_| Error::impossible("monitors", "spec", monitor.id))?,
        secrets: sealed,
        interval_seconds: i32::try_from(settings.interval.as_secs()).unwrap_or(i32::MAX),
        tags: settings.tags,
        severity: monitor.spec.severity().as_str(),
        depends_on: monitor
            .spec
            .depends_on
            .iter()
            .flatten()
            .map(|id| id.uuid())
            .collect(),
    })
}

/// What is sealed: the headers with their values, the body of the request, its login, name and password
/// of the address, and what other kinds send. The row's own copy has the names of the headers and the
/// rest of the address.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Hidden {
    headers: Vec<(String, String)>,
    body: Option<String>,
    auth: Option<HttpAuth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo: Option<String>,
    send: Option<String>,
}

impl Hidden {
    fn take_out(spec: &mut MonitorSpec) -> Option<Self> {
        let mut hidden = Self {
            send: sent(spec).and_then(|send| send.as_mut().map(std::mem::take)),
            ..Self::default()
        };
        if let Some(url) = &mut spec.url
            && let Some((userinfo, rest)) = split_userinfo(url)
        {
            hidden.userinfo = Some(userinfo.to_owned());
            *url = rest;
        }
        if let Some(http) = &mut spec.http {
            hidden.body = http.body.as_mut().map(std::mem::take);
            hidden.auth = http.auth.as_mut().map(std::mem::take);
            if let Some(Headers(headers)) = &mut http.headers {
                hidden.headers.clone_from(headers);
                headers.iter_mut().for_each(|(_, value)| value.clear());
            }
        }
        (hidden != Self::default()).then_some(hidden)
    }

    fn put_back(self, spec: &mut MonitorSpec, id: MonitorId) -> Result<()> {
        let impossible = || Error::impossible("monitors", "secrets", id);
        if let Some(userinfo) = self.userinfo {
            let url = spec.url.as_mut().ok_or_else(impossible)?;
            *url = join_userinfo(&userinfo, url);
        }
        if self.send.is_some() {
            *sent(spec).ok_or_else(impossible)? = self.send;
        }
        if self.body.is_none() && self.auth.is_none() && self.headers.is_empty() {
            return Ok(());
        }
        let http = spec.http.as_mut().ok_or_else(impossible)?;
        http.body = self.body;
        http.auth = self.auth;
        if let Some(headers) = &mut http.headers {
            headers.0 = self.headers;
        }
        Ok(())
    }
}

/// What a kind without pages sends; a monitor has one kind, and so one of these.
fn sent(spec: &mut MonitorSpec) -> Option<&mut Option<String>> {
    let tcp = spec.tcp.as_mut().map(|block| &mut block.send);
    let udp = spec.udp.as_mut().map(|block| &mut block.send);
    let websocket = spec.websocket.as_mut().map(|block| &mut block.send);
    tcp.or(udp).or(websocket)
}

fn place(row: &str) -> Place<'_> {
    Place {
        table: "monitors",
        column: "secrets",
        row,
    }
}
