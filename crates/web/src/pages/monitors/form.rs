//! The form of a monitor: what people type, and the settings it stands for. Every value stays text
//! until here, so that a form comes back as it was typed.

mod complaints;
mod kinds;
mod text;

use domain::ids::ContactId;
use domain::monitor::{BasicAuth, ConfirmSpec, HttpAuth, HttpSpec, IpFamily, Kind, MonitorSpec};
use domain::target::complete_urls;

pub use self::complaints::complaints;
pub use self::kinds::KindFields;
use self::kinds::Shared;
use self::text::{headers, masked, number, numbers, rule_text, rules, words};
use crate::extract::{Fields, FormErrors};
use crate::usecases::monitors::{MASK, masked_auth, masked_url};

/// The most addresses taken at once.
const MOST: usize = 200;

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorForm {
    pub kind: String,
    pub target: String,
    pub port: String,
    pub name: String,
    pub period_seconds: String,
    pub cron: String,
    pub timezone: String,
    pub grace_seconds: String,
    pub interval_seconds: String,
    pub timeout_ms: String,
    pub method: String,
    pub headers: String,
    pub body: String,
    pub follow_redirects: bool,
    pub max_redirects: String,
    pub expected_status: String,
    pub keyword: String,
    pub keyword_absent: String,
    pub regex: String,
    pub json: String,
    pub verify_tls: bool,
    pub username: String,
    pub password: String,
    pub bearer: String,
    pub ip_family: String,
    pub warn_days: String,
    pub rechecks: String,
    pub over_seconds: String,
    pub degraded_above_ms: String,
    pub tags: String,
    pub chosen_contacts: bool,
    pub contacts: Vec<String>,
    pub key: String,
    pub of_kind: KindFields,
}

impl MonitorForm {
    /// An empty form with an address in it.
    pub fn empty(target: &str) -> Self {
        Self {
            kind: "http".into(),
            target: target.into(),
            follow_redirects: true,
            verify_tls: true,
            ..Self::default()
        }
    }

    /// What was sent. The short forms (dashboard, landing page) send an address only; what has a
    /// ticked default counts as ticked there.
    pub fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        let long = fields.has("long");
        Self {
            kind: if long {
                text("kind")
            } else {
                "http".to_owned()
            },
            target: text("target"),
            port: text("port"),
            name: text("name"),
            period_seconds: text("period_seconds"),
            cron: text("cron"),
            timezone: text("timezone"),
            grace_seconds: text("grace_seconds"),
            interval_seconds: text("interval_seconds"),
            timeout_ms: text("timeout_ms"),
            method: text("method"),
            headers: text("headers"),
            body: fields.raw("body").to_owned(),
            follow_redirects: !long || fields.flag("follow_redirects"),
            max_redirects: text("max_redirects"),
            expected_status: text("expected_status"),
            keyword: text("keyword"),
            keyword_absent: text("keyword_absent"),
            regex: text("regex"),
            json: text("json"),
            verify_tls: !long || fields.flag("verify_tls"),
            username: text("username"),
            password: fields.raw("password").to_owned(),
            bearer: text("bearer"),
            ip_family: text("ip_family"),
            warn_days: text("warn_days"),
            rechecks: text("rechecks"),
            over_seconds: text("over_seconds"),
            degraded_above_ms: text("degraded_above_ms"),
            tags: text("tags"),
            chosen_contacts: fields.text("tell") == "chosen",
            contacts: fields
                .all("contact")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            key: text("key"),
            of_kind: KindFields::of(fields),
        }
    }

    /// The settings of a monitor as fields; secrets masked.
    pub fn of_spec(spec: &MonitorSpec) -> Self {
        let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        let http = spec.http.clone().unwrap_or_default();
        let auth = masked_auth(&http.auth.clone().unwrap_or_default());
        let basic = auth.basic.unwrap_or_default();
        let confirm = spec.confirm.clone().unwrap_or_default();
        let list = |values: &[u32]| {
            values
                .iter()
                .map(u32::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        Self {
            kind: spec.kind().unwrap_or(Kind::Http).as_str().to_owned(),
            target: spec
                .url
                .as_deref()
                .map(masked_url)
                .or_else(|| spec.host.clone())
                .unwrap_or_default(),
            port: spec.port.map(|port| port.to_string()).unwrap_or_default(),
            name: spec.name.clone().unwrap_or_default(),
            period_seconds: number(spec.period_seconds),
            cron: spec.cron.clone().unwrap_or_default(),
            timezone: spec.timezone.clone().unwrap_or_default(),
            grace_seconds: number(spec.grace_seconds),
            interval_seconds: number(spec.interval_seconds),
            timeout_ms: number(spec.timeout_ms),
            method: http.method.unwrap_or_default(),
            headers: http
                .headers
                .map(|headers| masked(&headers))
                .unwrap_or_default(),
            body: http.body.map(|_| MASK.to_owned()).unwrap_or_default(),
            follow_redirects: http.follow_redirects.unwrap_or(true),
            max_redirects: number(http.max_redirects),
            expected_status: http.expected_status.unwrap_or_default().join(", "),
            keyword: http.keyword.unwrap_or_default(),
            keyword_absent: http.keyword_absent.unwrap_or_default(),
            json: http
                .json
                .unwrap_or_default()
                .iter()
                .map(rule_text)
                .collect::<Vec<_>>()
                .join("\n"),
            regex: http.regex.unwrap_or_default(),
            verify_tls: verify_tls(spec),
            username: basic.username,
            password: basic.password,
            bearer: auth.bearer.unwrap_or_default(),
            ip_family: http
                .ip_family
                .or_else(|| spec.ping.as_ref().and_then(|ping| ping.ip_family))
                .map(|family| family.as_str().to_owned())
                .unwrap_or_default(),
            warn_days: warn_days(spec).map(list).unwrap_or_default(),
            rechecks: number(confirm.rechecks),
            over_seconds: number(confirm.over_seconds),
            degraded_above_ms: number(spec.degraded_above_ms),
            tags: spec.tags.clone().unwrap_or_default().join(", "),
            chosen_contacts: spec.contact_ids.is_some(),
            contacts: spec
                .contact_ids
                .iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
            key: spec.key.clone().unwrap_or_default(),
            of_kind: KindFields::of_spec(spec),
        }
    }

    /// It is a heartbeat: nothing is looked at.
    pub fn waits(&self) -> bool {
        self.kind == Kind::Heartbeat.as_str()
    }

    /// A contact is ticked.
    pub fn tells(&self, contact: &ContactId) -> bool {
        self.contacts.contains(&contact.to_string())
    }

    /// Something other than the address is filled in: the advanced part is shown opened.
    pub fn is_advanced(&self) -> bool {
        *self
            != Self {
                target: self.target.clone(),
                name: self.name.clone(),
                ..Self::empty("")
            }
    }

    /// The settings of each monitor that the form stands for: one per address. `before` keeps what the
    /// form does not show.
    pub fn specs(&self, before: Option<&MonitorSpec>) -> Result<Vec<MonitorSpec>, FormErrors> {
        let mut errors = FormErrors::new();
        let spec = self.settings(before, &mut errors);
        let targets = self.targets(before.is_some(), &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(targets
            .into_iter()
            .map(|target| self.aimed(&spec, target))
            .collect())
    }

    fn aimed(&self, spec: &MonitorSpec, target: String) -> MonitorSpec {
        let kind = Kind::parse(&self.kind).unwrap_or(Kind::Http);
        MonitorSpec {
            url: kind.has_url().then(|| target.clone()),
            host: kind.has_host().then_some(target),
            port: spec.port.filter(|_| kind.has_port()),
            http: spec.http.clone().filter(|_| kind == Kind::Http),
            ..spec.clone()
        }
    }

    fn targets(&self, one_only: bool, errors: &mut FormErrors) -> Vec<String> {
        let targets = match self.kind.as_str() {
            "http" => complete_urls(&self.target),
            // A heartbeat has no address of its own: the job calls ours.
            "heartbeat" => vec![String::new()],
            _ => Some(self.target.clone())
                .into_iter()
                .filter(|host| !host.is_empty())
                .collect(),
        };
        if targets.is_empty() {
            errors.add("target", "An address is needed, such as shop.example.");
        } else if one_only && targets.len() > 1 {
            errors.add(
                "target",
                "A monitor looks at one address. Add another monitor for the others.",
            );
        } else if targets.len() > MOST {
            errors.add(
                "target",
                format!(
                    "At most {MOST} addresses are taken at once; these are {}.",
                    targets.len()
                ),
            );
        } else if targets.len() > 1 && !self.name.is_empty() {
            errors.add(
                "name",
                "One name cannot stand for several addresses: leave it empty, and each is called by its address.",
            );
        } else if targets.len() > 1 && !self.key.is_empty() {
            errors.add(
                "key",
                "A key stands for one monitor, and these are several addresses.",
            );
        }
        targets
    }

    fn settings(&self, before: Option<&MonitorSpec>, errors: &mut FormErrors) -> MonitorSpec {
        let kind = Kind::parse(&self.kind).unwrap_or_else(|| {
            errors.add("kind", "There is no such kind of monitor.");
            Kind::Http
        });
        let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let kept = before.cloned().unwrap_or_default();
        let port: Option<u32> = number("port", &self.port, errors);
        if port.is_some_and(|port| port > 65_535) {
            errors.add("port", "A port is a number from 1 to 65535.");
        }
        let warn_days = numbers("warn_days", &self.warn_days, errors);
        let mut spec = MonitorSpec {
            name: optional(&self.name),
            kind: (kind != Kind::Http)
                .then_some(kind)
                .or(kept.kind.filter(|_| kind == Kind::Http)),
            port: port.and_then(|port| u16::try_from(port).ok()),
            period_seconds: number("period_seconds", &self.period_seconds, errors),
            cron: optional(&self.cron),
            timezone: optional(&self.timezone).filter(|_| !self.cron.is_empty()),
            grace_seconds: number("grace_seconds", &self.grace_seconds, errors),
            interval_seconds: number("interval_seconds", &self.interval_seconds, errors),
            timeout_ms: number("timeout_ms", &self.timeout_ms, errors),
            http: self.http(errors),
            confirm: self.confirm(errors),
            degraded_above_ms: number("degraded_above_ms", &self.degraded_above_ms, errors),
            policy_id: kept.policy_id.filter(|_| !self.chosen_contacts),
            contact_ids: self.contact_ids(errors),
            tags: words(&self.tags),
            key: optional(&self.key),
            ..kept
        };
        let shared = Shared {
            verify_tls: self.verify_tls,
            ip_family: &self.ip_family,
            warn_days,
        };
        self.of_kind.write(&mut spec, kind, shared, errors);
        spec
    }

    fn http(&self, errors: &mut FormErrors) -> Option<HttpSpec> {
        let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let http = HttpSpec {
            method: optional(&self.method),
            headers: headers(&self.headers, errors),
            body: optional(&self.body),
            follow_redirects: (!self.follow_redirects).then_some(false),
            max_redirects: number("max_redirects", &self.max_redirects, errors),
            expected_status: words(&self.expected_status),
            keyword: optional(&self.keyword),
            keyword_absent: optional(&self.keyword_absent),
            regex: optional(&self.regex),
            json: rules(&self.json, errors),
            verify_tls: (!self.verify_tls).then_some(false),
            auth: self.auth(errors),
            ip_family: IpFamily::parse(&self.ip_family),
        };
        (http != HttpSpec::default()).then_some(http)
    }

    fn auth(&self, errors: &mut FormErrors) -> Option<HttpAuth> {
        let has_basic = !self.username.is_empty() || !self.password.is_empty();
        if has_basic && !self.bearer.is_empty() {
            errors.add(
                "bearer",
                "A request carries a name and password or a token, not both.",
            );
        }
        let auth = HttpAuth {
            basic: has_basic.then(|| BasicAuth {
                username: self.username.clone(),
                password: self.password.clone(),
            }),
            bearer: Some(self.bearer.clone()).filter(|token| !token.is_empty()),
        };
        (auth != HttpAuth::default()).then_some(auth)
    }

    fn confirm(&self, errors: &mut FormErrors) -> Option<ConfirmSpec> {
        let confirm = ConfirmSpec {
            rechecks: number("rechecks", &self.rechecks, errors),
            over_seconds: number("over_seconds", &self.over_seconds, errors),
        };
        (confirm != ConfirmSpec::default()).then_some(confirm)
    }

    fn contact_ids(&self, errors: &mut FormErrors) -> Option<Vec<ContactId>> {
        if !self.chosen_contacts {
            return None;
        }
        let ids: Vec<ContactId> = self
            .contacts
            .iter()
            .filter_map(|id| id.parse().ok())
            .collect();
        if ids.len() != self.contacts.len() {
            errors.add("contacts", "One of the contacts does not exist any more.");
        }
        Some(ids)
    }
}

/// Whether certificates are judged, in whichever block says so.
fn verify_tls(spec: &MonitorSpec) -> bool {
    let http = spec.http.as_ref().and_then(|block| block.verify_tls);
    let websocket = spec.websocket.as_ref().and_then(|block| block.verify_tls);
    let grpc = spec.grpc.as_ref().and_then(|block| block.verify_tls);
    http.or(websocket).or(grpc).unwrap_or(true)
}

/// The days of the certificate's warnings, or of the registration's.
fn warn_days(spec: &MonitorSpec) -> Option<&[u32]> {
    let tls = spec.tls.as_ref().and_then(|tls| tls.warn_days.as_deref());
    tls.or_else(|| spec.domain.as_ref()?.warn_days.as_deref())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> MonitorForm {
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        MonitorForm::of(&Fields::parse(body.as_bytes()))
    }

    #[test]
    fn an_address_is_a_whole_monitor() {
        let specs = form(&[("target", "shop.example")]).specs(None).unwrap();
        assert_eq!(
            specs,
            [MonitorSpec {
                url: Some("https://shop.example/".into()),
                ..MonitorSpec::default()
            }]
        );
    }

    #[test]
    fn several_addresses_share_the_settings() {
        let specs = form(&[
            ("target", "a.example\nhttp://b.example/x, c.example"),
            ("tags", "prod, eu"),
        ])
        .specs(None)
        .unwrap();
        let urls: Vec<&str> = specs
            .iter()
            .filter_map(|spec| spec.url.as_deref())
            .collect();
        assert_eq!(
            urls,
            [
                "https://a.example/",
                "http://b.example/x",
                "https://c.example/"
            ]
        );
        assert!(
            specs
                .iter()
                .all(|spec| spec.tags.as_deref() == Some(&["prod".to_owned(), "eu".to_owned()]))
        );
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let spec: MonitorSpec = serde_json::from_value(serde_json::json!({
            "name": "Shop", "url": "https://shop.example/", "interval_seconds": 300, "timeout_ms": 5000,
            "http": { "method": "HEAD", "follow_redirects": false, "expected_status": ["200-299", "418"], "keyword": "open",
                      "json": [{ "path": "$.status", "op": "eq", "value": "ok" }, { "path": "$.n", "op": "gt", "value": 3 },
                      { "path": "$.list[?@.name == 'a b'].up", "op": "exists" }], "verify_tls": false, "regex": "v[0-9]+", "ip_family": "both" },
            "tls": { "warn_days": [14, 3] }, "confirm": { "rechecks": 1 }, "degraded_above_ms": 800, "tags": ["prod"], "regions": ["local"], "key": "shop"
        }))
        .unwrap();
        let back = MonitorForm::of_spec(&spec).specs(Some(&spec)).unwrap();
        assert_eq!(back, [spec]);
    }

    /// Of every kind, what the form shows stands for the settings that it was made from.
    #[rstest]
    #[case(serde_json::json!({"kind": "dns", "host": "a.example", "record": "TXT", "expected": ["v=spf1, -all", "b"],
        "dns": {"match": "equals", "server": "192.0.2.1"}}))]
    #[case(serde_json::json!({"kind": "tcp", "host": "a.example", "port": 1, "tcp": {"expect": " +OK"}}))]
    #[case(serde_json::json!({"kind": "udp", "host": "a.example", "port": 1, "udp": {"send": MASK, "expect": "b"}}))]
    #[case(serde_json::json!({"kind": "ping", "host": "a.example", "ping": {"count": 2, "max_loss_percent": 50, "ip_family": "v6"}}))]
    #[case(serde_json::json!({"kind": "tls", "host": "a.example", "port": 143, "tls": {"warn_days": [1], "starttls": "imap"}}))]
    #[case(serde_json::json!({"kind": "smtp", "host": "a.example", "tls": {"warn_days": [3]}, "smtp": {"security": "starttls"}}))]
    #[case(serde_json::json!({"kind": "websocket", "url": "wss://a.example/", "websocket": {"expect": "b", "verify_tls": false}}))]
    #[case(serde_json::json!({"kind": "grpc", "host": "a.example", "grpc": {"service": "s", "tls": false}}))]
    #[case(serde_json::json!({"kind": "domain", "host": "a.example", "domain": {"warn_days": [30, 7]}}))]
    #[case(serde_json::json!({"kind": "ping", "host": "a.example"}))]
    fn every_kind_has_its_fields(#[case] spec: serde_json::Value) {
        let spec: MonitorSpec = serde_json::from_value(spec).unwrap();
        let form = MonitorForm::of_spec(&spec);
        assert_eq!(form.specs(Some(&spec)).unwrap(), [spec]);
    }

    #[test]
    fn a_heartbeat_has_times_and_no_address() {
        for spec in [
            serde_json::json!({ "kind": "heartbeat", "name": "Backup", "period_seconds": 3600, "grace_seconds": 600 }),
            serde_json::json!({ "kind": "heartbeat", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "tags": ["cron"] }),
        ] {
            let spec: MonitorSpec = serde_json::from_value(spec).unwrap();
            let form = MonitorForm::of_spec(&spec);
            assert!(form.waits());
            assert_eq!(form.specs(Some(&spec)).unwrap(), [spec]);
        }
    }

    #[test]
    fn secrets_are_masked() {
        let spec: MonitorSpec = serde_json::from_value(serde_json::json!({
            "url": "https://shop.example/", "http": { "headers": { "X-Token": "1" }, "body": "secret", "auth": { "basic": { "username": "u", "password": "p" } } }
        }))
        .unwrap();
        let form = MonitorForm::of_spec(&spec);
        assert_eq!(
            [
                form.headers.as_str(),
                form.body.as_str(),
                form.username.as_str(),
                form.password.as_str()
            ],
            ["X-Token: ••••", "••••", "u", "••••"]
        );
        assert!(form.is_advanced() && !MonitorForm::empty("x").is_advanced());
    }

    #[rstest]
    #[case(&[("target", "")], "target")]
    #[case(&[("target", " \n , ")], "target")]
    #[case(&[("target", "a.example"), ("interval_seconds", "often")], "interval_seconds")]
    #[case(&[("target", "a.example"), ("timeout_ms", "-1")], "timeout_ms")]
    #[case(&[("target", "a.example"), ("headers", "no colon")], "headers")]
    #[case(&[("target", "a.example"), ("json", "$.status")], "json")]
    #[case(&[("target", "a.example"), ("username", "u"), ("bearer", "t")], "bearer")]
    #[case(&[("target", "a.example"), ("warn_days", "7, soon")], "warn_days")]
    #[case(&[("target", "a.example b.example"), ("key", "shop")], "key")]
    #[case(&[("target", "a.example b.example"), ("name", "Shop")], "name")]
    #[case(&[("target", "a.example"), ("long", "1"), ("kind", "gopher")], "kind")]
    #[case(&[("target", "a.example"), ("long", "1"), ("kind", "tcp"), ("port", "70000")], "port")]
    #[case(&[("target", "a.example"), ("tell", "chosen"), ("contact", "con_x")], "contacts")]
    fn a_bad_value_is_named_at_its_field(#[case] pairs: &[(&str, &str)], #[case] field: &str) {
        let errors = form(pairs).specs(None).unwrap_err();
        assert!(errors.at(field).is_some(), "{errors:?}");
        assert_eq!(errors.iter().len(), 1, "{errors:?}");
    }
}
