//! What a run of looks says, put together for its page.

use domain::check::{LookResult, Phase};
use domain::incident::Diagnosis;
use domain::tools::{Finding, KEPT_DAYS, RECORDS, Tool, of_looks};
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::tool_looks::{Look, Run};

use super::words as told;
use crate::pages::monitors::show_view::LookView;

/// A run, and what it says.
pub struct Outcome {
    pub run: Run,
    pub finding: Finding,
    pub host: String,
    pub title: String,
    pub sentence: String,
    /// When the result goes.
    pub expires_at: Timestamp,
}

/// The word of a type of record.
pub fn record(part: i16) -> &'static str {
    usize::try_from(part)
        .ok()
        .and_then(|part| RECORDS.get(part))
        .map_or("", |record| record.as_str())
}

impl Outcome {
    /// Reads what the looks say together.
    pub fn of(run: Run) -> Self {
        let results = || run.looks.iter().filter_map(|look| look.result.as_ref());
        let verdicts: Vec<_> = results().map(|result| verdict(run.tool, result)).collect();
        let finding = of_looks(&verdicts);
        let host = domain::tools::watch::host(&run.target);
        let regions = results().count();
        let (mut title, mut sentence) = told::result(run.tool, finding, &host, regions);
        let shown = results().any(|result| result.observation.tls.is_some());
        if run.tool == Tool::Certificate && finding == Finding::Down && !shown {
            title = format!("No certificate from {host}");
        }
        // What one look says of the cause says more than that it failed.
        if let Some(why) = why(&run, finding) {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(&of_somebody(&why.sentence));
        }
        let kept = SignedDuration::from_hours(24 * KEPT_DAYS);
        Self {
            finding,
            host,
            title,
            sentence,
            expires_at: run.created_at + kept,
            run,
        }
    }

    /// The mark beside the title.
    pub fn mark(&self) -> &'static str {
        match self.finding {
            Finding::Refused => "unknown",
            other => other.as_str(),
        }
    }

    /// Why it fails, as the first look that failed explains it.
    pub fn why(&self) -> Option<&Diagnosis> {
        why(&self.run, self.finding)
    }

    /// The regions that have not answered.
    pub fn silent(&self) -> Vec<&str> {
        let mut silent: Vec<&str> = self
            .run
            .looks
            .iter()
            .filter(|look| look.result.is_none())
            .map(|look| look.region_name.as_str())
            .collect();
        silent.dedup();
        silent
    }

    /// The regions that were asked.
    pub fn regions(&self) -> usize {
        let mut regions: Vec<&str> = self
            .run
            .looks
            .iter()
            .map(|look| look.region.as_str())
            .collect();
        regions.dedup();
        regions.len()
    }
}

/// A type of record that a name does not have is an answer, and no failure.
fn verdict(
    tool: Tool,
    result: &LookResult,
) -> (
    domain::check::VerdictKind,
    Option<domain::check::FailureClass>,
) {
    if tool == Tool::Dns && result.observation.records.is_some() {
        return (domain::check::VerdictKind::Up, None);
    }
    let class = result.check.failure.as_ref().map(|failure| failure.class);
    (result.check.verdict, class)
}

fn why(run: &Run, finding: Finding) -> Option<&Diagnosis> {
    if matches!(finding, Finding::Up | Finding::Refused | Finding::Unseen) {
        return None;
    }
    let results = run.looks.iter().filter_map(|look| look.result.as_ref());
    results
        .filter(|result| !(run.tool == Tool::Dns && result.observation.records.is_some()))
        .filter(|result| result.check.failure.is_some())
        .find_map(|result| result.diagnosis.as_ref())
}

/// A diagnosis speaks to the owner. Here its reader is anybody.
fn of_somebody(sentence: &str) -> String {
    sentence.replace("Your ", "Its ").replace(" your ", " its ")
}

/// What one region saw.
pub struct RegionView {
    pub name: String,
    pub look: Option<LookView>,
    /// Redirects on the way: status, from, to.
    pub redirects: Vec<(u16, String, String)>,
    pub certificate: Option<CertificateView>,
    pub ping: Option<PingView>,
}

/// A certificate, fact by fact.
pub struct CertificateView {
    /// `in 62 days` or `5 days ago`.
    pub ends: String,
    pub facts: Vec<(&'static str, String)>,
    /// The chain above it.
    pub chain: Vec<String>,
}

/// What came back of ping.
pub struct PingView {
    pub replies: String,
    pub lost: String,
    pub mean: String,
    pub longest: String,
}

/// The regions of a tool that looks once from each.
pub fn regions(run: &Run) -> Vec<RegionView> {
    run.looks.iter().map(region).collect()
}

fn region(look: &Look) -> RegionView {
    let zone = TimeZone::UTC;
    let seen = look.result.as_ref().map(|result| &result.observation);
    let redirects = seen.into_iter().flat_map(|seen| seen.redirects.iter());
    RegionView {
        name: look.region_name.clone(),
        look: look.result.as_ref().map(|result| LookView {
            // Why it fails stands above, once for all regions.
            sentence: of_somebody(&LookView::of_check(&result.check, &zone).sentence),
            ..LookView::of(result, &zone)
        }),
        redirects: redirects
            .map(|hop| (hop.status, hop.from.clone(), hop.to.clone()))
            .collect(),
        certificate: look.result.as_ref().and_then(certificate),
        ping: seen.and_then(|seen| seen.ping.as_ref()).map(|ping| {
            let time = |us: u32| match ping.received {
                0 => "–".to_owned(),
                _ => words::milliseconds(us.into()),
            };
            PingView {
                replies: format!("{} of {}", ping.received, ping.sent),
                lost: format!("{} %", ping.loss_percent()),
                mean: time(ping.mean_us),
                longest: time(ping.max_us),
            }
        }),
    }
}

fn certificate(result: &LookResult) -> Option<CertificateView> {
    let (seen, zone) = (&result.observation, TimeZone::UTC);
    let tls = seen.tls.as_ref()?;
    let leaf = tls.leaf()?;
    let days = leaf.not_after.duration_since(seen.at).as_hours() / 24;
    let ends = match leaf.not_after > seen.at {
        true => format!("in {days} days"),
        false => format!("{} days ago", -days),
    };
    let session: Vec<&str> = [&tls.version, &tls.cipher]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let moment = |at| words::moment(at, &zone);
    let facts = vec![
        ("Issued to", leaf.subject.clone()),
        ("Issued by", leaf.issuer.clone()),
        ("Names", leaf.names.join(", ")),
        ("Valid from", moment(leaf.not_before)),
        (
            "Valid until",
            format!("{} ({ends})", moment(leaf.not_after)),
        ),
        ("Key", leaf.key.clone()),
        ("Serial", leaf.serial.clone()),
        ("Fingerprint", leaf.fingerprint.clone()),
        ("Connection", session.join(", ")),
        (
            "Handshake",
            seen.phases
                .get(Phase::Tls)
                .map(|us| words::milliseconds(us.into()))
                .unwrap_or_default(),
        ),
    ];
    let above = tls.chain.iter().skip(1).map(|part| {
        format!(
            "{}, issued by {}, until {}",
            part.subject,
            part.issuer,
            words::day(part.not_after, &zone)
        )
    });
    Some(CertificateView {
        ends,
        facts: facts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect(),
        chain: above.collect(),
    })
}

/// One type of record, with what the regions were told.
pub struct RecordView {
    pub record: &'static str,
    pub answers: Vec<RecordAnswer>,
}

/// The same answer to some regions.
pub struct RecordAnswer {
    pub values: Vec<String>,
    /// Why there is none.
    pub why: Option<String>,
    /// Who was told so; empty where all were.
    pub regions: Vec<String>,
}

/// Types of record in their order; none where DNS gave nothing at all.
pub fn records(run: &Run) -> Vec<RecordView> {
    let mut results = run.looks.iter().filter_map(|look| look.result.as_ref());
    if !results.any(|result| result.observation.records.is_some()) {
        return Vec::new();
    }
    let parts = 0..i16::try_from(RECORDS.len()).unwrap_or(0);
    parts
        .map(|part| {
            let looks = run.looks.iter().filter(|look| look.part == part);
            let mut answers: Vec<RecordAnswer> = Vec::new();
            for look in looks {
                let (values, why) = told_by(look);
                let same = answers
                    .iter_mut()
                    .find(|one| one.values == values && one.why == why);
                match same {
                    Some(same) => same.regions.push(look.region_name.clone()),
                    None => answers.push(RecordAnswer {
                        values,
                        why,
                        regions: vec![look.region_name.clone()],
                    }),
                }
            }
            if let [only] = answers.as_mut_slice() {
                only.regions.clear();
            }
            RecordView {
                record: record(part),
                answers,
            }
        })
        .collect()
}

fn told_by(look: &Look) -> (Vec<String>, Option<String>) {
    let Some(result) = &look.result else {
        return (Vec::new(), Some("no worker answered".to_owned()));
    };
    match (&result.observation.records, &result.check.failure) {
        (Some(records), _) => {
            let mut values = records.clone();
            values.sort();
            (values, None)
        }
        (None, Some(failure)) => (Vec::new(), Some(words::cause(failure, None))),
        (None, None) => (Vec::new(), Some("no answer".to_owned())),
    }
}
