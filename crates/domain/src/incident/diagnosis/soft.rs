//! Pages that answer well and say that they do not: what a monitor without a keyword takes for up.

use super::case::Case;
use super::{Confidence, Diagnosis, NextStep, evidence};
use crate::check::attribution::Page;
use crate::check::{Attribution, Observation, Verdict, VerdictKind};
use crate::monitor::{Settings, Target};

/// Anywhere on a page of no more bytes than this; on longer ones only in its title and headlines, since a
/// page may well write about errors.
const SHORT: usize = 8 * 1024;

/// One line of the table.
struct Tell {
    id: &'static str,
    cause: &'static str,
    /// What such pages say, in lower case.
    texts: &'static [&'static str],
    /// What it means, for the owner.
    means: &'static str,
}

const fn tell(
    id: &'static str,
    cause: &'static str,
    texts: &'static [&'static str],
    means: &'static str,
) -> Tell {
    Tell {
        id,
        cause,
        texts,
        means,
    }
}

/// The own words of common programs and servers.
const TELLS: &[Tell] = &[
    tell(
        "database",
        "database_down",
        &[
            "error establishing a database connection",
            "sqlstate[hy000]",
            "sqlstate[08006]",
            "could not connect to the database",
            "database connection error",
        ],
        "Likely the site cannot use its database.",
    ),
    tell(
        "application",
        "application_error",
        &[
            "there has been a critical error on this website",
            "whoops, looks like something went wrong",
            "we're sorry, but something went wrong",
            "the website encountered an unexpected error",
            "an error has happened during application run",
            "there has been an error processing your request",
            "server error in '/' application",
            "fatal error</b>:",
            "php fatal error:",
            "traceback (most recent call last)",
        ],
        "Likely the site's program fails.",
    ),
    tell(
        "gateway",
        "upstream_fails",
        &[
            "502 bad gateway",
            "503 service unavailable",
            "503 service temporarily unavailable",
            "504 gateway time-out",
            "504 gateway timeout",
            "500 internal server error",
        ],
        "Likely an error page is handed out with the wrong status.",
    ),
    tell(
        "maintenance",
        "maintenance",
        &[
            "briefly unavailable for scheduled maintenance",
            "site is under maintenance",
            "down for maintenance",
        ],
        "Likely visitors see a maintenance page.",
    ),
    tell(
        "suspended",
        "not_deployed",
        &[
            "account suspended",
            "this account has been suspended",
            "this domain is for sale",
            "this store is unavailable",
        ],
        "Likely the hosting or the domain is no longer yours to use.",
    ),
    tell(
        "default_page",
        "default_page",
        &[
            "welcome to nginx!",
            "apache2 debian default page",
            "apache2 ubuntu default page",
            "iis windows server",
            "test page for the apache http server",
        ],
        "Likely the web server shows its own first page in place of your site.",
    ),
    tell(
        "listing",
        "default_page",
        &["index of /"],
        "Likely the web server lists a folder in place of your site.",
    ),
];

/// What a good answer says against itself; `None` where it says nothing of the kind, where the look was not good,
/// and where its owner has asked for a text.
pub fn point_out(seen: &Observation, verdict: &Verdict, settings: &Settings) -> Option<Diagnosis> {
    let Target::Http(target) = &settings.target else {
        return None;
    };
    let asks =
        target.keyword.is_some() || target.keyword_absent.is_some() || target.regex.is_some();
    if verdict.kind != VerdictKind::Up || asks || !target.json.is_empty() {
        return None;
    }
    let http = seen.http.as_ref().filter(|http| http.status < 400)?;
    let page = Page::of(http);
    let (tell, text) = TELLS
        .iter()
        .flat_map(|tell| tell.texts.iter().map(move |text| (tell, *text)))
        .find(|(_, text)| says(&page, http.body.len(), text))?;
    let case = Case::new(seen, verdict, settings);
    Some(Diagnosis {
        cause: tell.cause.to_owned(),
        confidence: Confidence::Possible,
        attribution: Some(Attribution::Origin),
        sentence: format!(
            "The page answers {}, and says \"{text}\". {} A look at its status alone takes it for up.",
            http.status,
            tell.means.replace("Likely", "Possibly")
        ),
        technical: format!("\"{text}\" in the answer with status {}.", http.status),
        evidence: evidence::lines(&case),
        next_steps: vec![
            NextStep {
                text: "Does the page look as it should?".to_owned(),
                command: Some(case.fill_command("curl -sL --compressed {url} | head -c 2000")),
            },
            NextStep {
                text: "Name a text that only the good page has, in the settings of the monitor: without it, it is down."
                    .to_owned(),
                command: None,
            },
        ],
        rule: format!("soft_{}", tell.id),
    })
}

fn says(page: &Page<'_>, length: usize, text: &str) -> bool {
    page.headlines().any(|headline| headline.contains(text))
        || length <= SHORT && page.body_has(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::Timestamp;
    use rstest::rstest;

    use super::*;
    use crate::check::HttpFacts;
    use crate::check::verdict::{Expectation, judge};
    use crate::monitor::MonitorSpec;
    use crate::monitor::spec::HttpSpec;

    fn pointed_out(status: u16, body: &str, spec: MonitorSpec) -> Option<String> {
        let settings = Settings::of(&MonitorSpec {
            url: Some("https://shop.example/".to_owned()),
            ..spec
        });
        let seen = Observation {
            http: Some(HttpFacts {
                status,
                body: body.as_bytes().to_vec(),
                body_complete: true,
                ..HttpFacts::default()
            }),
            ..Observation::begin(Timestamp::UNIX_EPOCH)
        };
        let verdict = judge(&seen, &Expectation::of(&settings, true, false));
        let said = point_out(&seen, &verdict, &settings)?;
        assert_eq!(said.confidence, Confidence::Possible);
        Some(said.rule)
    }

    #[rstest]
    #[case::wordpress(
        "<title>Database Error</title><h1>Error establishing a database connection</h1>",
        Some("soft_database")
    )]
    #[case::php(
        "<br />\n<b>Fatal error</b>:  Uncaught Error: Call to undefined function",
        Some("soft_application")
    )]
    #[case::wrong_status(
        "<head><title>502 Bad Gateway</title></head><center>nginx</center>",
        Some("soft_gateway")
    )]
    #[case::first_page("<title>Welcome to nginx!</title>", Some("soft_default_page"))]
    #[case::folder("<title>Index of /</title><h1>Index of /</h1>", Some("soft_listing"))]
    #[case::a_shop("<title>Shop</title><h1>Everything is fine here.</h1>", None)]
    #[case::nothing("", None)]
    fn what_a_good_answer_says_against_itself(#[case] body: &str, #[case] rule: Option<&str>) {
        let said = pointed_out(200, body, MonitorSpec::default());
        assert_eq!(said.as_deref(), rule);
    }

    #[test]
    fn a_long_page_may_write_about_errors() {
        let filler = "<p>Words of a blog.</p>".repeat(600);
        let about = format!("<title>A blog</title>{filler}<p>How to mend a 502 Bad Gateway</p>");
        assert_eq!(pointed_out(200, &about, MonitorSpec::default()), None);
        let broken = format!("<title>Blog</title>{filler}<h1 class=\"x\">502 Bad Gateway</h1>");
        let said = pointed_out(200, &broken, MonitorSpec::default());
        assert_eq!(said.as_deref(), Some("soft_gateway"));
    }

    #[test]
    fn who_asks_for_a_text_or_is_told_down_needs_no_hint() {
        let page = "<h1>Error establishing a database connection</h1>";
        assert_eq!(pointed_out(500, page, MonitorSpec::default()), None);
        let asks = MonitorSpec {
            http: Some(HttpSpec {
                keyword_absent: Some("Out of stock".to_owned()),
                ..HttpSpec::default()
            }),
            ..MonitorSpec::default()
        };
        assert_eq!(pointed_out(200, page, asks), None);
    }

    #[test]
    fn each_text_is_in_lower_case_and_stands_once() {
        let all: Vec<&str> = TELLS.iter().flat_map(|tell| tell.texts).copied().collect();
        assert!(all.iter().all(|text| *text == text.to_lowercase()));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
