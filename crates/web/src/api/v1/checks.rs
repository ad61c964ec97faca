//! Checks: what one look saw.

use axum::extract::State;
use axum::response::Response;
use domain::check::{Check, LookResult, Phase};
use domain::incident::Diagnosis;
use domain::tls::CertificateFacts;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::monitors::input::MonitorInput;
use crate::api::auth::Writer;
use crate::api::body::Body;
use crate::api::etag;
use crate::api::problem::ApiResult;
use crate::state::AppState;
use crate::usecases::{looks, monitors};

/// One look.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub struct CheckView {
    /// `chk_…`
    id: String,
    /// When it began.
    #[schema(format = DateTime)]
    at: String,
    /// Its slot of the timetable; null when somebody asked for it.
    #[schema(format = DateTime)]
    slot: Option<String>,
    /// From where.
    region: String,
    /// `up`, `degraded`, `down`, `blocked` or `unknown`.
    verdict: &'static str,
    /// Time of each part; null where it was not reached or is no longer kept.
    phases_ms: PhasesView,
    /// From begin to end.
    total_ms: f64,
    /// What was connected to.
    address: Option<String>,
    /// Status of the HTTP answer.
    http_status: Option<u16>,
    /// What is wrong.
    failure: Option<FailureView>,
    /// The certificate, in answers to a requested look.
    tls: Option<TlsView>,
    /// Where the fault of an HTTP answer lies.
    attribution: Option<&'static str>,
    /// Redirects followed, in answers to a requested look.
    redirects: Vec<RedirectView>,
    /// What the server told (records, greetings, round trips), in answers to a requested look of a kind
    /// without pages.
    told: Vec<EvidenceView>,
    /// Why it failed, in answers to a requested look.
    diagnosis: Option<DiagnosisView>,
}

/// Time of each part of a look, milliseconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Phases)]
pub struct PhasesView {
    dns: Option<f64>,
    connect: Option<f64>,
    tls: Option<f64>,
    send: Option<f64>,
    first_byte: Option<f64>,
    body: Option<f64>,
}

/// What is wrong with a target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureView {
    /// A stable word, such as `http_status`; `/docs/failures/{class}` explains it.
    class: &'static str,
    /// In which part of the look.
    phase: &'static str,
    /// One sentence for an engineer.
    message: String,
}

/// A certificate and its chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tls)]
pub struct TlsView {
    /// The earliest end of validity in the chain.
    #[schema(format = DateTime)]
    not_after: Option<String>,
    /// Issuer of the server's certificate.
    issuer: Option<String>,
    /// The chain as presented, the server's own first.
    chain: Vec<CertificateView>,
}

/// One certificate of a chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub struct CertificateView {
    subject: String,
    issuer: String,
    #[schema(format = DateTime)]
    not_before: String,
    #[schema(format = DateTime)]
    not_after: String,
    /// Hexadecimal with colons.
    serial: String,
    /// SHA-256, hexadecimal.
    fingerprint: String,
    /// DNS and IP names it is good for.
    names: Vec<String>,
    /// Such as `RSA 2048`.
    key: String,
}

/// One hop of a redirect.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Redirect)]
pub struct RedirectView {
    from: String,
    status: u16,
    to: String,
}

/// Why a target fails.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Diagnosis)]
pub struct DiagnosisView {
    /// A stable word, such as `upstream_dead`.
    cause: String,
    /// `certain`, `likely` or `possible`.
    confidence: &'static str,
    /// Where the fault lies.
    attribution: Option<&'static str>,
    /// For the owner.
    sentence: String,
    /// For an engineer.
    technical: String,
    /// What we saw.
    evidence: Vec<EvidenceView>,
    /// First things first.
    next_steps: Vec<NextStepView>,
    /// The rule that decided.
    rule: String,
}

/// One line of evidence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    label: String,
    value: String,
}

/// One thing to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextStep)]
pub struct NextStepView {
    text: String,
    command: Option<String>,
}

/// The last look as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastCheck)]
pub struct LastCheckView {
    id: String,
    #[schema(format = DateTime)]
    at: String,
    verdict: &'static str,
    total_ms: f64,
    http_status: Option<u16>,
    failure: Option<FailureClassView>,
}

/// The class of a failure alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailureClass)]
pub struct FailureClassView {
    class: &'static str,
}

impl CheckView {
    /// A look as it is kept.
    pub fn of(check: &Check) -> Self {
        Self {
            id: check.id.to_string(),
            at: check.at.to_string(),
            slot: check.slot.map(|slot| slot.to_string()),
            region: check.region.clone(),
            verdict: check.verdict.as_str(),
            phases_ms: PhasesView::of(check),
            total_ms: milliseconds(check.total_us),
            address: check.address.map(domain::words::address),
            http_status: check.http_status,
            failure: check.failure.as_ref().map(FailureView::of),
            tls: None,
            attribution: check.attribution.map(domain::check::Attribution::as_str),
            redirects: Vec::new(),
            told: Vec::new(),
            diagnosis: None,
        }
    }

    /// The answer to a look that was asked for, with all that it saw.
    pub fn of_result(result: &LookResult) -> Self {
        let redirect = |hop: &domain::check::Redirect| RedirectView {
            from: hop.from.clone(),
            status: hop.status,
            to: hop.to.clone(),
        };
        Self {
            tls: result.observation.tls.as_ref().map(|tls| TlsView {
                not_after: tls.not_after().map(|at| at.to_string()),
                issuer: tls.leaf().map(|leaf| leaf.issuer.clone()),
                chain: tls.chain.iter().map(CertificateView::of).collect(),
            }),
            redirects: result.observation.redirects.iter().map(redirect).collect(),
            told: result
                .observation
                .told()
                .into_iter()
                .map(|said| EvidenceView {
                    label: said.label,
                    value: said.text,
                })
                .collect(),
            diagnosis: result.diagnosis.as_ref().map(DiagnosisView::of),
            ..Self::of(&result.check)
        }
    }

    /// Names of the columns of [`Self::row`].
    pub const COLUMNS: [&'static str; 9] = [
        "id",
        "at",
        "slot",
        "region",
        "verdict",
        "total_ms",
        "http_status",
        "failure_class",
        "failure_message",
    ];

    /// As a row of a table.
    pub fn row(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.at.clone(),
            self.slot.clone().unwrap_or_default(),
            self.region.clone(),
            self.verdict.to_owned(),
            self.total_ms.to_string(),
            self.http_status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            self.failure
                .as_ref()
                .map(|failure| failure.class.to_owned())
                .unwrap_or_default(),
            self.failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .unwrap_or_default(),
        ]
    }
}

impl PhasesView {
    fn of(check: &Check) -> Self {
        let part = |phase| check.phases.get(phase).map(|us| milliseconds(us.into()));
        Self {
            dns: part(Phase::Dns),
            connect: part(Phase::Connect),
            tls: part(Phase::Tls),
            send: part(Phase::Send),
            first_byte: part(Phase::FirstByte),
            body: part(Phase::Body),
        }
    }

    /// From milliseconds in the order of a look.
    pub const fn of_ms([dns, connect, tls, send, first_byte, body]: [Option<f64>; 6]) -> Self {
        Self {
            dns,
            connect,
            tls,
            send,
            first_byte,
            body,
        }
    }
}

impl FailureView {
    /// Its class.
    pub const fn class(&self) -> &'static str {
        self.class
    }

    /// A failure.
    pub fn of(failure: &domain::check::Failure) -> Self {
        Self {
            class: failure.class.as_str(),
            phase: failure.phase.as_str(),
            message: failure.message.clone(),
        }
    }
}

impl CertificateView {
    fn of(facts: &CertificateFacts) -> Self {
        Self {
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            not_before: facts.not_before.to_string(),
            not_after: facts.not_after.to_string(),
            serial: facts.serial.clone(),
            fingerprint: facts.fingerprint.clone(),
            names: facts.names.clone(),
            key: facts.key.clone(),
        }
    }
}

impl DiagnosisView {
    /// A diagnosis.
    pub fn of(diagnosis: &Diagnosis) -> Self {
        let line = |line: &domain::incident::diagnosis::EvidenceLine| EvidenceView {
            label: line.label.clone(),
            value: line.value.clone(),
        };
        let step = |step: &domain::incident::diagnosis::NextStep| NextStepView {
            text: step.text.clone(),
            command: step.command.clone(),
        };
        Self {
            cause: diagnosis.cause.clone(),
            confidence: diagnosis.confidence.as_str(),
            attribution: diagnosis
                .attribution
                .map(domain::check::Attribution::as_str),
            sentence: diagnosis.sentence.clone(),
            technical: diagnosis.technical.clone(),
            evidence: diagnosis.evidence.iter().map(line).collect(),
            next_steps: diagnosis.next_steps.iter().map(step).collect(),
            rule: diagnosis.rule.clone(),
        }
    }
}

impl LastCheckView {
    /// The last look.
    pub fn of(check: &Check) -> Self {
        Self {
            id: check.id.to_string(),
            at: check.at.to_string(),
            verdict: check.verdict.as_str(),
            total_ms: milliseconds(check.total_us),
            http_status: check.http_status,
            failure: check.failure.as_ref().map(|failure| FailureClassView {
                class: failure.class.as_str(),
            }),
        }
    }
}

/// Microseconds as milliseconds with at most three digits after the point.
#[expect(
    clippy::cast_precision_loss,
    reason = "a look is far shorter than 2^53 microseconds"
)]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000.0
}

/// Look once
///
/// One look at what the settings name, without a monitor: nothing is kept. At most 60 a minute. The answer
/// comes when the look is done, at the latest 3 seconds after its time-out.
#[utoipa::path(post, path = "/api/v1/checks", tag = "Checks", operation_id = "checks.create",
    request_body = MonitorInput, responses((status = 200, body = CheckView)))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    let new = MonitorInput::creating(&body.0)?;
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let look = monitors::test_look(&mut tx, &state, &caller, new.spec).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return Ok(super::dry_run_passed());
    }
    let result = looks::wait(&state, writer.account_id(), look).await?;
    etag::tagged(StatusCode::OK, None, &CheckView::of_result(&result))
}
