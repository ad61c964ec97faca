//! How a job calls, to copy: shells, schedulers and languages.

use domain::heartbeat::Rhythm;

/// A way to call.
pub struct Snippet {
    /// For the copy button.
    pub id: &'static str,
    pub title: &'static str,
    pub text: String,
    pub help: &'static str,
}

const CURL: &str = "curl -fsS -m 10 --retry 5 -o /dev/null";

/// All of them; the first two are shown opened.
pub(super) fn snippets(url: &str, rhythm: &Rhythm) -> Vec<Snippet> {
    let one = |id, title, text, help| Snippet {
        id,
        title,
        text,
        help,
    };
    vec![
        one(
            "ping-cron",
            "In a crontab",
            format!("{} /path/to/job; {CURL} {url}/$?", schedule(rhythm)),
            "The exit status says how it went: 0 is good, all else a failure.",
        ),
        one(
            "ping-curl",
            "At the end of a script",
            format!("{CURL} {url}"),
            "It is not reached when the script stops before, and then we tell you.",
        ),
        one(
            "ping-shell",
            "Shell, with duration and output",
            format!(
                "{CURL} {url}/start\noutput=$(/path/to/job 2>&1); status=$?\n{CURL} --data-raw \"$output\" {url}/$status"
            ),
            "What the job said is kept with the call, up to 100 kB.",
        ),
        one(
            "ping-systemd",
            "systemd service",
            format!(
                "[Service]\nExecStart=/path/to/job\nExecStopPost=/bin/sh -c '[ \"$$SERVICE_RESULT\" = success ] && result=0 || result=fail; {CURL} {url}/$$result'"
            ),
            "Under the service that its timer starts.",
        ),
        one(
            "ping-python",
            "Python",
            format!("import urllib.request\n\nurllib.request.urlopen(\"{url}\", timeout=10)"),
            "At the end of the program; put /fail behind the address where it handles an error.",
        ),
        one(
            "ping-powershell",
            "PowerShell",
            format!("Invoke-RestMethod -TimeoutSec 10 -Uri {url}"),
            "As the last line of a task of Windows Task Scheduler.",
        ),
        one(
            "ping-actions",
            "GitHub Actions",
            format!(
                "- if: always()\n  run: {CURL} {url}/${{{{ job.status == 'success' && '0' || 'fail' }}}}"
            ),
            "As the last step of the job.",
        ),
    ]
}

/// The times of a crontab line: the monitor's own, or those nearest to its period.
fn schedule(rhythm: &Rhythm) -> String {
    let period = match rhythm {
        Rhythm::Cron { cron, .. } => return cron.clone(),
        Rhythm::Period(period) => period.as_secs(),
    };
    let (minutes, hours) = (period / 60, period / 3_600);
    match period {
        0..=60 => "* * * * *".to_owned(),
        61..3_600 if 60 % minutes == 0 => format!("*/{minutes} * * * *"),
        61..=3_600 => "0 * * * *".to_owned(),
        3_601..86_400 if 24 % hours == 0 => format!("0 */{hours} * * *"),
        604_800.. => "0 3 * * 1".to_owned(),
        _ => "0 3 * * *".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(60, "* * * * *")]
    #[case(600, "*/10 * * * *")]
    #[case(2_700, "0 * * * *")]
    #[case(3_600, "0 * * * *")]
    #[case(21_600, "0 */6 * * *")]
    #[case(86_400, "0 3 * * *")]
    #[case(604_800, "0 3 * * 1")]
    fn a_period_has_a_line_of_crontab(#[case] seconds: u64, #[case] line: &str) {
        let rhythm = Rhythm::Period(Duration::from_secs(seconds));
        assert_eq!(schedule(&rhythm), line);
        let first = &snippets("https://watchbell.example/ping/x", &rhythm)[0];
        assert!(first.text.starts_with(line) && first.text.ends_with("/ping/x/$?"));
    }
}
