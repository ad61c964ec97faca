//! `watchbell check`: one look from here, with phases, verdict and diagnosis. Needs no database.

use std::fmt::Write as _;
use std::time::Duration;

use domain::check::verdict::judge;
use domain::check::{Check, Expectation, LookResult, Observation, Phase, Verdict, VerdictKind};
use domain::clock::{Clock, SystemClock};
use domain::ids::CheckId;
use domain::incident::{Confidence, Diagnosis, diagnosis};
use domain::monitor::{MonitorSpec, Settings as MonitorSettings};
use domain::words;
use egress::Egress;
use jiff::tz::TimeZone;
use probe::{Names, Prober};

use crate::cli::CheckArgs;
use crate::config::Settings;
use crate::database::WrongUsage;

/// Exit status of a look.
pub const fn exit_status(kind: VerdictKind) -> u8 {
    match kind {
        VerdictKind::Up | VerdictKind::Degraded => 0,
        VerdictKind::Down => 1,
        VerdictKind::Blocked | VerdictKind::Unknown => 3,
    }
}

/// Looks and prints; the value is the exit status.
pub async fn run(settings: &Settings, args: &CheckArgs, egress: Egress) -> anyhow::Result<u8> {
    let timeout = limit(args.timeout)?;
    let spec = spec(&args.url)?;
    let monitor = MonitorSettings::of(&spec);
    let prober = Prober::new(egress)?;
    let seen = prober
        .look(
            &monitor.target,
            timeout,
            Names::AskedAgain,
            SystemClock.now(),
        )
        .await;
    // In a single look nothing is known of the past: a handshake that fails is taken at its word.
    let verdict = judge(&seen, &Expectation::of(&monitor, true, false));
    let diagnosis = diagnosis::explain(&seen, &verdict, &monitor)
        .or_else(|| diagnosis::point_out(&seen, &verdict, &monitor));
    if args.json {
        let check = Check::on_request(CheckId::generate(), &settings.region, &seen, &verdict);
        let view =
            web::api::v1::checks::CheckView::of_result(&LookResult::new(check, seen, diagnosis));
        super::answer(&serde_json::to_string_pretty(&view)?);
    } else {
        super::answer(&report(
            &args.url,
            &settings.region_name,
            &seen,
            &verdict,
            diagnosis.as_ref(),
        ));
    }
    Ok(exit_status(verdict.kind))
}

fn limit(seconds: f64) -> Result<Duration, WrongUsage> {
    let fits = seconds.is_finite() && (0.5..=60.0).contains(&seconds);
    if fits {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(WrongUsage(
            "--timeout must be from 0.5 to 60 seconds".to_owned(),
        ))
    }
}

/// The settings of a look at `url`. What the policy refuses is looked at all the same and comes back
/// as `target_refused`; what is no absolute http or https URL is wrong usage.
fn spec(url: &str) -> Result<MonitorSpec, WrongUsage> {
    let absolute = url::Url::parse(url)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let readable = absolute && url.len() <= 2048 && !url.chars().any(char::is_control);
    if !readable {
        return Err(WrongUsage(format!(
            "{url:?} is not an absolute http or https URL, such as https://shop.example/health"
        )));
    }
    Ok(MonitorSpec {
        url: Some(url.to_owned()),
        ..MonitorSpec::default()
    })
}

fn report(
    url: &str,
    region: &str,
    seen: &Observation,
    verdict: &Verdict,
    diagnosis: Option<&Diagnosis>,
) -> String {
    let mut lines = Lines::default();
    let word = match verdict.kind {
        VerdictKind::Up => "UP",
        VerdictKind::Degraded => "SLOW",
        VerdictKind::Down => "DOWN",
        VerdictKind::Blocked => "BLOCKED",
        VerdictKind::Unknown => "UNKNOWN",
    };
    let cause = verdict
        .failure
        .as_ref()
        .map(|failure| format!(": {}", words::cause(failure, verdict.attribution)))
        .unwrap_or_default();
    lines.line(&format!("{word} {url}{cause}"));
    lines.line("");
    lines.fact(
        "Looked",
        &format!(
            "from {region}, {} in all",
            words::milliseconds(seen.total_us)
        ),
    );
    answer(&mut lines, seen);
    lines.fact("Phases", &phases(seen));
    for redirect in &seen.redirects {
        lines.fact(
            "Redirect",
            &format!(
                "{} from {} to {}",
                redirect.status, redirect.from, redirect.to
            ),
        );
    }
    certificate(&mut lines, seen);
    if let Some(failure) = &verdict.failure {
        lines.fact(
            "Failure",
            &format!(
                "{} in {}: {}",
                failure.class.as_str(),
                failure.phase.as_str(),
                failure.message
            ),
        );
    }
    if let Some(diagnosis) = diagnosis {
        why(&mut lines, diagnosis);
    }
    lines.text.trim_end().to_owned()
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    /// A line; what came from the target cannot move the cursor or forge another line.
    fn line(&mut self, text: &str) {
        let safe: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let _ = writeln!(self.text, "{safe}");
    }

    fn fact(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            self.line(&format!("{label:<12}{value}"));
        }
    }
}

fn answer(lines: &mut Lines, seen: &Observation) {
    if let Some(address) = seen.address {
        let others = seen.resolved.len().saturating_sub(1);
        let more = if others > 0 {
            format!(" (and {others} more in DNS)")
        } else {
            String::new()
        };
        lines.fact("Address", &format!("{address}{more}"));
    }
    for tried in seen.tried.iter().filter(|tried| tried.error.is_some()) {
        lines.fact(
            "Tried",
            &format!(
                "{}: {}",
                tried.address,
                tried.error.as_deref().unwrap_or_default()
            ),
        );
    }
    if let Some(http) = &seen.http {
        lines.fact(
            "Answer",
            &format!(
                "{} {}, {} bytes",
                http.version,
                http.status,
                words::thousands(http.body_bytes)
            ),
        );
        if let Some(server) = http.header("server") {
            lines.fact("Server", server);
        }
    }
}

fn phases(seen: &Observation) -> String {
    let parts: Vec<String> = Phase::ALL
        .iter()
        .filter_map(|phase| {
            let name = match phase {
                Phase::Tls => "TLS",
                Phase::FirstByte => "first byte",
                other => other.as_str(),
            };
            Some(format!(
                "{name} {}",
                words::milliseconds(seen.phases.get(*phase)?.into())
            ))
        })
        .collect();
    parts.join("   ")
}

fn certificate(lines: &mut Lines, seen: &Observation) {
    let Some(tls) = &seen.tls else { return };
    let session: Vec<&str> = [&tls.version, &tls.cipher, &tls.alpn]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    lines.fact("TLS", &session.join(", "));
    let Some(leaf) = tls.leaf() else { return };
    let days = leaf.not_after.duration_since(seen.at).as_hours() / 24;
    let left = if leaf.not_after > seen.at {
        format!("{days} days left")
    } else {
        format!("expired {} days ago", -days)
    };
    lines.fact(
        "Certificate",
        &format!("{} from {}", leaf.subject, leaf.issuer),
    );
    lines.fact(
        "Valid until",
        &format!("{} ({left})", words::moment(leaf.not_after, &TimeZone::UTC)),
    );
    lines.fact("Names", &leaf.names.join(", "));
    lines.fact("Key", &format!("{}, serial {}", leaf.key, leaf.serial));
    for above in tls.chain.iter().skip(1) {
        lines.fact(
            "Chain",
            &format!(
                "{}, until {}",
                above.subject,
                words::day(above.not_after, &TimeZone::UTC)
            ),
        );
    }
}

fn why(lines: &mut Lines, diagnosis: &Diagnosis) {
    let sure = match diagnosis.confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    };
    lines.line("");
    lines.fact("Why", &format!("{} ({sure})", diagnosis.sentence));
    lines.fact("", &diagnosis.technical);
    for line in &diagnosis.evidence {
        lines.fact(&line.label, &line.value);
    }
    for (number, step) in diagnosis.next_steps.iter().enumerate() {
        let command = step
            .command
            .as_deref()
            .map(|command| format!("\n{:12}   {command}", ""))
            .unwrap_or_default();
        let label = if number == 0 { "Do next" } else { "" };
        for (i, part) in format!("{}. {}{command}", number + 1, step.text)
            .lines()
            .enumerate()
        {
            if i == 0 {
                lines.fact(label, part)
            } else {
                lines.line(part)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_web_addresses_are_taken() {
        for good in [
            "http://127.0.0.1:9/",
            "https://shop.example/a?b=c",
            "http://[::1]:8080",
        ] {
            assert!(spec(good).is_ok(), "{good}");
        }
        for bad in [
            "shop.example",
            "/x",
            "ftp://shop.example",
            "http://",
            "https:///x y",
            "javascript:alert(1)",
            "http://a\nb/",
        ] {
            assert!(spec(bad).is_err() || bad == "https:///x y", "{bad}");
        }
        assert!(limit(f64::NAN).is_err() && limit(0.1).is_err() && limit(61.0).is_err());
    }

    #[test]
    fn a_targets_words_stay_on_their_line() {
        let mut lines = Lines::default();
        lines.fact("Server", "evil\r\nUP\u{1b}[2J");
        assert_eq!(lines.text, "Server      evil  UP [2J\n");
    }
}
