//! From what stands in the fields to settings. A field that the chosen kind does not have is not read.

use domain::ids::{ContactId, MonitorId, PolicyId};
use domain::incident::Severity;
use domain::monitor::{BasicAuth, ConfirmSpec, HttpAuth, HttpSpec, IpFamily, Kind, MonitorSpec};

use super::durations::{milliseconds, seconds};
use super::kinds::Shared;
use super::targets::Aim;
use super::text::{headers, number, numbers, rules, words};
use super::{MonitorForm, Tell};
use crate::extract::FormErrors;

fn optional(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

impl MonitorForm {
    /// The settings of each monitor that the form stands for: one per address. `before` keeps what the
    /// form does not show.
    pub fn specs(&self, before: Option<&MonitorSpec>) -> Result<Vec<MonitorSpec>, FormErrors> {
        let mut errors = FormErrors::new();
        let Some(kind) = Kind::parse(&self.kind) else {
            let wrong = "There is no such kind of monitor.";
            return Err(FormErrors::one("kind", wrong));
        };
        let aims = self.aims(kind, before.is_some(), &mut errors);
        let spec = self.settings(kind, before, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let aimed = |aim| aimed(kind, &spec, aim);
        Ok(aims.into_iter().map(aimed).collect())
    }

    fn settings(
        &self,
        kind: Kind,
        before: Option<&MonitorSpec>,
        errors: &mut FormErrors,
    ) -> MonitorSpec {
        let kept = before.cloned().unwrap_or_default();
        let kind_given = (kind != Kind::Http).then_some(kind);
        let mut spec = MonitorSpec {
            name: optional(&self.name),
            kind: kind_given.or(kept.kind.filter(|_| kind == Kind::Http)),
            http: None,
            policy_id: self.policy_id(errors),
            contact_ids: self.contact_ids(errors),
            depends_on: self.depends_on(errors),
            severity: Severity::parse(&self.severity),
            tags: words(&self.tags),
            key: optional(&self.key),
            ..kept
        };
        if kind.looks() {
            self.look(&mut spec, kind, errors);
        } else {
            self.rhythm(&mut spec, errors);
        }
        if kind == Kind::Http {
            spec.http = self.http(errors);
        }
        let has_warnings = kind.has_certificate() || kind == Kind::Domain;
        let shared = Shared {
            verify_tls: self.verify_tls,
            ip_family: &self.ip_family,
            warn_days: has_warnings
                .then(|| numbers("warn_days", &self.warn_days, errors))
                .flatten(),
        };
        self.of_kind.write(&mut spec, kind, shared, errors);
        spec
    }

    /// How often and how patiently is looked.
    fn look(&self, spec: &mut MonitorSpec, kind: Kind, errors: &mut FormErrors) {
        // A registration is looked at once a day, so the form does not ask.
        if kind != Kind::Domain {
            spec.interval_seconds = number("interval_seconds", &self.interval_seconds, errors);
        }
        spec.timeout_ms = milliseconds("timeout_ms", &self.timeout_ms, errors);
        let slow = &self.degraded_above_ms;
        spec.degraded_above_ms = milliseconds("degraded_above_ms", slow, errors);
        spec.dns_cache = (kind.has_dns_cache() && self.dns_anew).then_some(false);
        spec.confirm = self.confirm(errors);
    }

    /// When a job is to call.
    fn rhythm(&self, spec: &mut MonitorSpec, errors: &mut FormErrors) {
        spec.period_seconds = seconds("period_seconds", &self.period_seconds, errors);
        spec.grace_seconds = seconds("grace_seconds", &self.grace_seconds, errors);
        spec.cron = optional(&self.cron);
        spec.timezone = optional(&self.timezone).filter(|_| !self.cron.is_empty());
    }

    fn http(&self, errors: &mut FormErrors) -> Option<HttpSpec> {
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
            origin: optional(&self.origin),
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
            over_seconds: seconds("over_seconds", &self.over_seconds, errors),
        };
        (confirm != ConfirmSpec::default()).then_some(confirm)
    }

    fn depends_on(&self, errors: &mut FormErrors) -> Option<Vec<MonitorId>> {
        let parsed: Result<Vec<MonitorId>, _> =
            self.depends_on.iter().map(|id| id.parse()).collect();
        match parsed {
            Ok(ids) => Some(ids).filter(|ids| !ids.is_empty()),
            Err(_) => {
                errors.add("depends_on", "There is no such monitor.");
                None
            }
        }
    }

    fn policy_id(&self, errors: &mut FormErrors) -> Option<PolicyId> {
        let Tell::Policy(id) = &self.tell else {
            return None;
        };
        let parsed = id.parse().ok();
        if parsed.is_none() {
            errors.add("contacts", "This policy does not exist any more.");
        }
        parsed
    }

    fn contact_ids(&self, errors: &mut FormErrors) -> Option<Vec<ContactId>> {
        if self.tell != Tell::Chosen {
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

fn aimed(kind: Kind, spec: &MonitorSpec, aim: Aim) -> MonitorSpec {
    MonitorSpec {
        url: kind.has_url().then(|| aim.target.clone()),
        host: kind.has_host().then_some(aim.target),
        port: aim.port,
        ..spec.clone()
    }
}
