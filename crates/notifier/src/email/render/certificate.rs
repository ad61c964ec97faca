//! Mails of a certificate: it expires, it was renewed, it was replaced by a worse one.

use domain::check::FailureClass;
use domain::delivery::Event;
use domain::delivery::payload::CertificateNews;
use domain::words;
use jiff::SignedDuration;

use super::{Frame, Say, Template, Tone, Words, contact_footer, mail_templates};
use crate::brief::Brief;
use crate::error::RenderError;

mail_templates! {
    Expiring: "tls.expiring/subject.txt" "tls.expiring/body.txt" "tls.expiring/body.html"
    Renewed: "tls.renewed/subject.txt" "tls.renewed/body.txt" "tls.renewed/body.html"
    Worse: "tls.worse/subject.txt" "tls.worse/body.txt" "tls.worse/body.html"
}

/// Names of a certificate that are spelled out.
const NAMES: usize = 12;

struct Expiring {
    frame: Frame,
    host: Say,
    verb: &'static str,
    left: String,
    lead: Say,
    names: Say,
    issuer: Say,
    serial: Say,
    used_by: Say,
    renewal: Say,
    renew: String,
    check: String,
    next: Say,
    link: String,
}

struct Renewed {
    frame: Frame,
    host: Say,
    lead: Say,
    names: Say,
    issuer: Say,
    serial: Say,
    used_by: Say,
    link: String,
}

struct Worse {
    frame: Frame,
    host: Say,
    problem: Say,
    problem_sentence: Say,
    lead: Say,
    names: Say,
    issuer: Say,
    serial: Say,
    used_by: Say,
    check: String,
    guide: String,
    link: String,
}

pub(super) fn news(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let news = brief.certificate()?;
    match brief.event {
        Event::TlsRenewed => renewed(brief, &news).words(),
        Event::TlsWorse => worse(brief, &news).words(),
        _ => expiring(brief, &news).words(),
    }
}

fn frame(brief: &Brief<'_>, tone: Tone, heading: String, preheader: String) -> Frame {
    Frame {
        word: "CERTIFICATE",
        tone,
        heading: Say::new(heading),
        preheader: Say::new(preheader),
        footer: contact_footer(brief),
    }
}

fn names(news: &CertificateNews) -> Say {
    let names = &news.certificate.names;
    let shown = names
        .iter()
        .take(NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    Say::new(match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    })
}

fn used_by(brief: &Brief<'_>, news: &CertificateNews) -> Say {
    if news.monitors.is_empty() {
        Say::new(brief.monitor_name())
    } else {
        Say::new(news.monitors.join(", "))
    }
}

/// A host as a shell may take it: nothing but the characters of names and addresses.
fn shell_host(host: &str) -> String {
    host.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
        .collect()
}

fn check(news: &CertificateNews) -> String {
    let host = shell_host(&news.host);
    format!(
        "openssl s_client -connect {host}:{} -servername {host} </dev/null | openssl x509 -noout -enddate",
        news.port
    )
}

fn expiring(brief: &Brief<'_>, news: &CertificateNews) -> Expiring {
    let left = news.not_after.duration_since(brief.now);
    let over = left <= SignedDuration::ZERO;
    let said = words::days_left(left);
    let verb = if over { "expired" } else { "expires" };
    let when = words::moment(news.not_after, &brief.zone);
    let tail = if over {
        "Visitors see a browser warning."
    } else {
        "Your sites still work."
    };
    Expiring {
        frame: frame(
            brief,
            Tone::Warn,
            format!("The certificate of {} {verb} {said}", news.host),
            format!("On {when}. {tail}"),
        ),
        host: Say::new(&news.host),
        verb,
        left: said.clone(),
        lead: Say::new(format!(
            "The certificate of {} {verb} on {when} ({said}). {tail}",
            news.host
        )),
        names: names(news),
        issuer: Say::new(&news.certificate.issuer),
        serial: Say::new(&news.certificate.serial),
        used_by: used_by(brief, news),
        renewal: Say::new(renewal(brief, news)),
        renew: format!("certbot renew --cert-name {}", shell_host(&news.host)),
        check: check(news),
        next: Say::new(next(news, over)),
        link: brief.links.monitor.clone(),
    }
}

/// Automatic renewal is due when a third of the lifetime is left (ACME clients' custom).
fn renewal(brief: &Brief<'_>, news: &CertificateNews) -> String {
    let life = news
        .certificate
        .not_after
        .duration_since(news.certificate.not_before);
    let due = news.certificate.not_after - life / 3;
    let late = brief.now.duration_since(due).as_secs() / 86_400;
    match late {
        ..=0 => "Not seen yet. Automatic renewal is usually due about now.".to_owned(),
        1 => "Not seen. Automatic renewal was due about 1 day ago.".to_owned(),
        days => format!("Not seen. Automatic renewal was due about {days} days ago."),
    }
}

fn next(news: &CertificateNews, over: bool) -> String {
    if over {
        return "We report the site down until it is renewed.".to_owned();
    }
    let days: Vec<String> = news
        .next_days
        .iter()
        .map(|days| {
            if *days == 1 {
                "1 day".to_owned()
            } else {
                format!("{days} days")
            }
        })
        .collect();
    let after = "After that visitors see a browser warning and we report the site down.";
    match days.split_last() {
        None => format!("This is the last warning. {after}"),
        Some((only, [])) => format!("Next warning at {only}. {after}"),
        Some((last, rest)) => format!("Next warnings at {} and {last}. {after}", rest.join(", ")),
    }
}

fn renewed(brief: &Brief<'_>, news: &CertificateNews) -> Renewed {
    let until = words::moment(news.not_after, &brief.zone);
    Renewed {
        frame: frame(
            brief,
            Tone::Up,
            format!("The certificate of {} was renewed", news.host),
            format!("Good until {until}. Nothing to do."),
        ),
        host: Say::new(&news.host),
        lead: Say::new(format!(
            "The certificate of {} is good until {until} ({}). Nothing to do.",
            news.host,
            words::days_left(news.not_after.duration_since(brief.now))
        )),
        names: names(news),
        issuer: Say::new(&news.certificate.issuer),
        serial: Say::new(&news.certificate.serial),
        used_by: used_by(brief, news),
        link: brief.links.monitor.clone(),
    }
}

fn worse(brief: &Brief<'_>, news: &CertificateNews) -> Worse {
    let problem = news.worse();
    let lead = match news.problem {
        Some(_) => format!(
            "The certificate of {} was replaced, and the new one is worse than the one before. Some visitors may see a browser warning.",
            news.host
        ),
        None => format!(
            "The certificate of {} was replaced by one that ends earlier, on {}. Your sites still work. Likely an older file was put back.",
            news.host,
            words::moment(news.not_after, &brief.zone)
        ),
    };
    let guide = brief.guide(None, news.problem.unwrap_or(FailureClass::TlsExpired));
    Worse {
        frame: frame(
            brief,
            Tone::Warn,
            format!("{} has a worse certificate than before", news.host),
            format!("The new one: {problem}."),
        ),
        host: Say::new(&news.host),
        problem: Say::new(problem),
        problem_sentence: Say::new(format!("{}.", words::capitalised(problem))),
        lead: Say::new(lead),
        names: names(news),
        issuer: Say::new(&news.certificate.issuer),
        serial: Say::new(&news.certificate.serial),
        used_by: used_by(brief, news),
        check: check(news),
        guide,
        link: brief.links.monitor.clone(),
    }
}
