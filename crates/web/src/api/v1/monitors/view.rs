//! Monitors as clients read them: what was sent, with every default filled in.

use std::collections::HashMap;

use domain::check::Check;
use domain::ids::MonitorId;
use domain::monitor::blocks::RecordType;
use domain::monitor::proposal::{self, Missing, Proposal};
use domain::monitor::spec::Headers;
use domain::monitor::{HttpAuth, HttpSpec, HttpTarget, IpFamily, Kind, Monitor, Target};
use domain::report::Window;
use domain::status::Shown;
use serde::Serialize;
use sqlx::PgConnection;
use store::heartbeats::Stored;
use store::monitors::{Filter, Listed, Sort};
use utoipa::ToSchema;

use super::blocks::{
    Blocks, DnsBlock, DomainBlock, ExchangeBlock, GrpcBlock, IpFamilyName, KindName, PingBlock,
    RecordTypeName, SmtpBlock, TlsBlock, WebsocketBlock,
};
use super::heartbeat::HeartbeatView;
use super::input::{HttpAuthInput, JsonRuleInput};
use super::origin::OriginView;
use crate::api::problem::{ApiResult, Problem};
use crate::api::v1::checks::LastCheckView;
use crate::state::AppState;
use crate::usecases::heartbeats::ping_url;
use crate::usecases::monitors::{MASK, masked_auth, masked_url};
use domain::ids::AccountId;

/// A monitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Monitor)]
pub struct MonitorView {
    /// `mon_…`
    #[schema(read_only)]
    pub id: String,
    /// Its page.
    #[schema(read_only)]
    html_url: String,
    name: String,
    #[schema(value_type = KindName)]
    kind: &'static str,
    /// Of an `http` or `websocket` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Of all other kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Of a `tcp`, `udp`, `tls`, `smtp` or `grpc` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Of a `dns` monitor.
    #[schema(value_type = Option<RecordTypeName>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordType>,
    /// Of a `dns` monitor, where any is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Vec<String>>,
    /// Not of a `heartbeat` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_seconds: Option<u64>,
    /// Not of a `heartbeat` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    /// Of a `heartbeat` monitor without `cron`.
    #[serde(skip_serializing_if = "Option::is_none")]
    period_seconds: Option<u64>,
    /// Of a `heartbeat` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// Of a `heartbeat` monitor with `cron`.
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    /// Of a `heartbeat` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_seconds: Option<u64>,
    /// Of an `http` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<HttpView>,
    /// Of a monitor that may be shown a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsBlock>,
    /// Of a `tcp` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<ExchangeBlock>,
    /// Of a `udp` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<ExchangeBlock>,
    /// Of a `dns` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<DnsBlock>,
    /// Of a `ping` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    ping: Option<PingBlock>,
    /// Of an `smtp` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp: Option<SmtpBlock>,
    /// Of a `websocket` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    websocket: Option<WebsocketBlock>,
    /// Of a `grpc` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<GrpcBlock>,
    /// Of a `domain` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<DomainBlock>,
    /// Not of a `heartbeat` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<String>>,
    /// Not of a `heartbeat` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<ConfirmView>,
    degraded_above_ms: Option<u32>,
    /// Of kinds that dial a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    dns_cache: Option<bool>,
    policy_id: Option<String>,
    contact_ids: Option<Vec<String>>,
    /// Monitors that this one stands behind.
    depends_on: Vec<String>,
    /// How much an outage matters: who is told of critical monitors alone, and whose quiet hours hold.
    #[schema(value_type = SeverityName)]
    severity: &'static str,
    tags: Vec<String>,
    key: Option<String>,
    paused: bool,
    /// What people are shown.
    #[schema(value_type = StatusName, read_only)]
    status: &'static str,
    /// A change of status is being confirmed.
    #[schema(read_only)]
    confirming: bool,
    #[schema(format = DateTime, read_only)]
    status_since: String,
    /// When the maintenance ends that the monitor is in.
    #[schema(format = DateTime, read_only)]
    maintenance_until: Option<String>,
    /// The monitor behind whose outage this one is down, so that no incident of its own is open.
    #[schema(read_only)]
    suppressed_by: Option<String>,
    /// The last look; null before the first.
    #[schema(read_only)]
    last_check: Option<LastCheckView>,
    /// Of a `heartbeat` monitor: what its job calls. Masked as `"••••"` for read keys.
    #[schema(read_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ping_url: Option<String>,
    /// Of a `heartbeat` monitor: what was heard and what is waited for.
    #[schema(read_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat: Option<HeartbeatView>,
    /// Of an `http` monitor with `http.origin`: whether the origin is shown to be yours, and how it is.
    #[schema(read_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginView>,
    /// Of an `http` monitor without a rule about its page: a text that is on the page and not on the one for an
    /// address that does not exist. Set it as `http.keyword` to watch for it.
    #[schema(read_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword_proposal: Option<KeywordProposalView>,
    /// Share of the observed time of the last 30 days that was not down; null while nothing was observed.
    #[schema(read_only)]
    uptime_30d: Option<f64>,
    #[schema(format = DateTime, read_only)]
    created_at: String,
    #[schema(format = DateTime, read_only)]
    updated_at: String,
}

/// What is sent and expected of an `http` monitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Http)]
pub struct HttpView {
    method: String,
    /// Values are masked as `"••••"` for read keys.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    headers: Headers,
    /// Masked as `"••••"` for read keys.
    body: Option<String>,
    follow_redirects: bool,
    max_redirects: u32,
    expected_status: Vec<String>,
    keyword: Option<String>,
    keyword_absent: Option<String>,
    regex: Option<String>,
    #[schema(value_type = Vec<JsonRuleInput>)]
    json: Vec<domain::monitor::JsonRule>,
    verify_tls: bool,
    /// Password and token are masked as `"••••"` for read keys.
    #[schema(value_type = Option<HttpAuthInput>)]
    auth: Option<HttpAuth>,
    #[schema(value_type = IpFamilyName)]
    ip_family: IpFamily,
    /// The server behind what the URL leads to, as you wrote it.
    origin: Option<String>,
}

/// A text that a monitor might watch for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeywordProposal)]
pub struct KeywordProposalView {
    text: String,
    /// What the site answers for an address that does not exist.
    missing_status: u16,
    /// A redirect led there.
    missing_redirected: bool,
}

/// How a failure or a recovery is confirmed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Confirm)]
pub struct ConfirmView {
    rechecks: u32,
    over_seconds: u64,
}

/// How much an outage matters.
#[derive(Debug, ToSchema)]
#[schema(as = Severity, rename_all = "snake_case")]
pub enum SeverityName {
    /// Worth waking people for.
    Critical,
    /// It can wait for the end of quiet hours.
    Normal,
}

/// Statuses.
#[derive(Debug, ToSchema)]
#[schema(as = Status, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum StatusName {
    Pending,
    Up,
    Degraded,
    Partial,
    Down,
    Blocked,
    Unknown,
    Maintenance,
    Paused,
}

/// What is known of the monitors of a page beyond their own rows.
#[derive(Debug, Default)]
pub struct Known {
    regions: Vec<String>,
    last_checks: HashMap<MonitorId, Check>,
    uptimes: HashMap<MonitorId, Option<f64>>,
    heartbeats: HashMap<MonitorId, Stored>,
    origins: HashMap<MonitorId, store::origins::Stored>,
    /// What proves each of these.
    tokens: HashMap<String, String>,
    keywords: HashMap<MonitorId, Proposal>,
}

impl Known {
    /// Reads it for all of `listed` at once.
    pub async fn read(
        connection: &mut PgConnection,
        state: &AppState,
        account: AccountId,
        listed: &[Listed],
    ) -> ApiResult<Self> {
        let id_of = |one: &Listed| one.monitor.id;
        let ids: &[MonitorId] = &listed.iter().map(id_of).collect::<Vec<_>>();
        let is_heard = |one: &&Listed| one.monitor.spec.kind() == Some(Kind::Heartbeat);
        let heard: Vec<MonitorId> = listed.iter().filter(is_heard).map(id_of).collect();
        let heartbeats = match heard.as_slice() {
            [] => HashMap::new(),
            heard => store::heartbeats::list(connection, account, heard).await?,
        };
        let window = Window::last_days(state.now(), 30);
        let uptimes = store::reports::uptimes(connection, account, ids, window).await?;
        let store::reports::Beside {
            proposals: keywords,
            mut regions,
        } = store::reports::beside(connection, account, ids).await?;
        if regions.is_empty() {
            regions.push(state.config.region.clone());
        }
        let named: Vec<MonitorId> = listed
            .iter()
            .filter(|one| {
                one.monitor
                    .spec
                    .http
                    .as_ref()
                    .is_some_and(|http| http.origin.is_some())
            })
            .map(id_of)
            .collect();
        let (mut origins, mut tokens) = (HashMap::new(), HashMap::new());
        if !named.is_empty() {
            for (id, stored) in store::origins::list(connection, account, &named).await? {
                let token = store::origins::find_token(connection, account, &stored.origin).await?;
                tokens.extend(token.map(|token| (stored.origin.clone(), token)));
                origins.insert(id, stored);
            }
        }
        Ok(Self {
            origins,
            tokens,
            keywords: keywords.into_iter().collect(),
            regions,
            heartbeats,
            last_checks: store::reports::last_checks(connection, account, ids).await?,
            uptimes: uptimes
                .into_iter()
                .map(|(id, uptime)| (id, uptime.uptime))
                .collect(),
        })
    }

    fn keyword(&self, monitor: &Monitor) -> Option<KeywordProposalView> {
        let found = self.keywords.get(&monitor.id)?;
        proposal::has_room(&monitor.settings()).then(|| KeywordProposalView {
            text: found.text.clone(),
            missing_status: found.status,
            missing_redirected: found.missing == Missing::Leads,
        })
    }

    fn origin(&self, monitor: MonitorId) -> Option<OriginView> {
        let stored = self.origins.get(&monitor)?;
        OriginView::of(stored, self.tokens.get(&stored.origin).cloned())
    }
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn shown_url(url: &str, masked: bool) -> String {
    match masked {
        true => masked_url(url),
        false => url.to_owned(),
    }
}

impl MonitorView {
    /// A monitor as it is listed, its secrets masked if need be.
    pub fn of(state: &AppState, listed: &Listed, known: &Known, masked: bool) -> Self {
        let monitor = &listed.monitor;
        let settings = monitor.settings();
        let blocks = Blocks::of(&settings, masked);
        let kind = settings.target.kind().as_str();
        let url = settings.target.url().map(|url| shown_url(url, masked));
        let looks = settings.target.kind().looks();
        let has_dns_cache = settings.target.kind().has_dns_cache();
        let known_beat = known.heartbeats.get(&monitor.id);
        let written = monitor.spec.http.as_ref();
        let http = match settings.target {
            Target::Http(target) => Some(HttpView::of(target, written, masked)),
            _ => None,
        };
        let (interval, timeout, confirm) = (settings.interval, settings.timeout, settings.confirm);
        Self {
            id: monitor.id.to_string(),
            html_url: state.config.link(&format!("/monitors/{}", monitor.id)),
            name: settings.name,
            kind,
            url,
            host: blocks.host,
            port: blocks.port,
            record: blocks.record,
            expected: blocks.expected,
            interval_seconds: looks.then_some(interval.as_secs()),
            timeout_ms: looks.then(|| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            period_seconds: blocks.period_seconds,
            cron: blocks.cron,
            timezone: blocks.timezone,
            grace_seconds: blocks.grace_seconds,
            http,
            tls: blocks.tls,
            tcp: blocks.tcp,
            udp: blocks.udp,
            dns: blocks.dns,
            ping: blocks.ping,
            smtp: blocks.smtp,
            websocket: blocks.websocket,
            grpc: blocks.grpc,
            domain: blocks.domain,
            regions: looks.then(|| settings.regions.unwrap_or_else(|| known.regions.clone())),
            confirm: looks.then_some(ConfirmView {
                rechecks: confirm.rechecks,
                over_seconds: confirm.over.as_secs(),
            }),
            degraded_above_ms: settings.degraded_above_ms,
            dns_cache: has_dns_cache.then_some(settings.dns_cache),
            policy_id: monitor.policy_id().map(|id| id.to_string()),
            contact_ids: monitor.contact_ids().map(texts),
            severity: monitor.spec.severity().as_str(),
            depends_on: texts(monitor.spec.depends_on.as_deref().unwrap_or_default()),
            tags: settings.tags,
            key: monitor.spec.key.clone(),
            paused: monitor.paused_at.is_some(),
            status: listed.shown.as_str(),
            confirming: listed.confirming && listed.shown != Shown::Paused,
            status_since: listed.since.to_string(),
            maintenance_until: listed.maintenance_until.map(|at| at.to_string()),
            suppressed_by: listed.behind.as_ref().map(|(id, _)| id.to_string()),
            last_check: known.last_checks.get(&monitor.id).map(LastCheckView::of),
            ping_url: known_beat.map(|beat| match masked {
                true => MASK.to_owned(),
                false => ping_url(&state.config, beat.token),
            }),
            heartbeat: known_beat.map(|beat| HeartbeatView::of(&beat.beat, beat.pings)),
            origin: known.origin(monitor.id),
            keyword_proposal: known.keyword(monitor),
            uptime_30d: known.uptimes.get(&monitor.id).copied().flatten(),
            created_at: monitor.created_at.to_string(),
            updated_at: monitor.updated_at.to_string(),
        }
    }
}

impl HttpView {
    fn of(target: HttpTarget, written: Option<&HttpSpec>, masked: bool) -> Self {
        let mut headers = target.headers;
        let mut body = target.body;
        if masked {
            headers
                .0
                .iter_mut()
                .for_each(|(_, value)| MASK.clone_into(value));
            body = body.map(|_| MASK.to_owned());
        }
        let auth = target
            .auth
            .map(|auth| if masked { masked_auth(&auth) } else { auth });
        Self {
            method: target.method,
            headers,
            body,
            follow_redirects: target.follow_redirects,
            max_redirects: target.max_redirects,
            expected_status: target.expected_status,
            keyword: target.keyword,
            keyword_absent: target.keyword_absent,
            regex: target.regex,
            json: target.json,
            verify_tls: target.verify_tls,
            auth,
            ip_family: target.ip_family,
            origin: written.and_then(|http| http.origin.clone()),
        }
    }
}

/// One monitor as clients read it, with its version.
pub async fn find(
    connection: &mut PgConnection,
    state: &AppState,
    (account, id): (AccountId, MonitorId),
    masked: bool,
) -> ApiResult<(Monitor, MonitorView)> {
    let filter = Filter {
        ids: Some(vec![id]),
        ..Filter::default()
    };
    let listed = store::monitors::list(
        connection,
        &state.secrets,
        account,
        &filter,
        (Sort::Name, None, 1),
        state.now(),
    )
    .await?;
    let known = Known::read(connection, state, account, &listed).await?;
    let listed = listed.into_iter().next().ok_or_else(Problem::not_found)?;
    let view = MonitorView::of(state, &listed, &known, masked);
    Ok((listed.monitor, view))
}
