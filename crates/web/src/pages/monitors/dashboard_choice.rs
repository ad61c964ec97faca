//! Which monitors the dashboard shows: search, filters, order, pages.

use domain::ids::MonitorId;
use domain::incident::Severity;
use domain::status::Shown;
use store::monitors::{Brief, Listed, Sort};

use super::dashboard::{Asked, ROWS, sort};

/// Which rows are wanted, in which order.
#[derive(Debug, Clone)]
pub struct Choice {
    pub(super) q: String,
    pub(super) status: String,
    pub(super) tag: String,
    pub(super) severity: Option<Severity>,
    pub sort: Sort,
    pub(super) page: usize,
    pub(super) done: Option<String>,
}

impl Choice {
    /// What the address asks for.
    pub fn of(asked: &Asked) -> Self {
        Self {
            q: asked.q.trim().chars().take(200).collect(),
            status: asked.status.clone(),
            tag: asked.tag.clone(),
            severity: Severity::parse(&asked.severity),
            sort: sort(&asked.sort),
            page: asked.page.max(1),
            done: done_words(&asked.done, asked.count),
        }
    }

    /// A row is wanted, whatever text is looked for.
    pub fn takes(&self, one: &Brief) -> bool {
        (self.tag.is_empty() || one.tags.contains(&self.tag))
            && self.severity.is_none_or(|wanted| one.severity == wanted)
            && match self.status.as_str() {
                "" => true,
                "problems" => is_problem(one.shown),
                word => one.shown.as_str() == word,
            }
    }

    /// The text that is looked for is in its name, address or tags.
    pub fn finds(&self, listed: &Listed) -> bool {
        let settings = listed.monitor.settings();
        let wanted = self.q.to_lowercase();
        let address = settings.target.display();
        let mut text = [&settings.name, &address].into_iter().chain(&settings.tags);
        text.any(|text| text.to_lowercase().contains(&wanted))
    }

    /// The rows of the page that is asked for.
    pub fn page_of(&self, rows: &[&Brief]) -> Vec<MonitorId> {
        rows.iter()
            .skip((self.page - 1).saturating_mul(ROWS))
            .take(ROWS)
            .map(|one| one.id)
            .collect()
    }

    pub(super) fn is_filtered(&self) -> bool {
        let all = self.q.is_empty() && self.status.is_empty() && self.tag.is_empty();
        !(all && self.severity.is_none())
    }

    pub(super) fn severity_word(&self) -> &'static str {
        self.severity.map_or("", Severity::as_str)
    }

    /// The address with one thing changed; a change of the filter begins at page one.
    pub(super) fn link(&self, change: &[(&str, &str)]) -> String {
        let sort = if self.sort == Sort::Name { "name" } else { "" };
        let now = [
            ("q", self.q.as_str()),
            ("status", self.status.as_str()),
            ("tag", self.tag.as_str()),
            ("severity", self.severity_word()),
            ("sort", sort),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in now {
            let value = change
                .iter()
                .find(|(changed, _)| *changed == name)
                .map_or(value, |(_, value)| value);
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some((_, page)) = change.iter().find(|(name, _)| *name == "page") {
            query.append_pair("page", page);
        }
        let query = query.finish();
        if query.is_empty() {
            "/monitors".to_owned()
        } else {
            format!("/monitors?{query}")
        }
    }
}

pub(super) const fn is_problem(shown: Shown) -> bool {
    matches!(
        shown,
        Shown::Down | Shown::Partial | Shown::Degraded | Shown::Blocked | Shown::Unknown
    )
}

fn done_words(word: &str, count: usize) -> Option<String> {
    let plural = if count == 1 { "" } else { "s" };
    let said = match word {
        "added" => format!("{count} monitor{plural} added."),
        "paused" => format!("{count} monitor{plural} paused."),
        "resumed" => format!("{count} monitor{plural} resumed."),
        "deleted" => format!("{count} monitor{plural} deleted. Each can be restored for 7 days."),
        "tagged" => format!("{count} monitor{plural} tagged."),
        "none" => "Nothing was selected, so nothing was changed.".to_owned(),
        "refused" => {
            "Some could not be changed. The plan may be full, or they are gone.".to_owned()
        }
        _ => return None,
    };
    Some(said)
}

/// One filter above the table.
pub struct Chip {
    pub link: String,
    pub text: String,
    pub count: usize,
    pub mark: Option<&'static str>,
    pub current: bool,
}

pub(super) fn chips(choice: &Choice, all: &[Brief], tags: &[(String, u32)]) -> Vec<Chip> {
    let count = |takes: fn(Shown) -> bool| all.iter().filter(|listed| takes(listed.shown)).count();
    // The mark is that of the worst there is, so that a slow site does not look like one that is down.
    let worst = [
        Shown::Down,
        Shown::Partial,
        Shown::Blocked,
        Shown::Degraded,
        Shown::Unknown,
    ]
    .into_iter()
    .find(|status| all.iter().any(|listed| listed.shown == *status))
    .map(Shown::as_str);
    let statuses: [(&str, &str, Option<&'static str>, usize); 5] = [
        ("", "All", None, all.len()),
        ("problems", "Problems", worst, count(is_problem)),
        ("up", "Up", Some("up"), count(|shown| shown == Shown::Up)),
        (
            "maintenance",
            "Maintenance",
            Some("maintenance"),
            count(|shown| shown == Shown::Maintenance),
        ),
        (
            "paused",
            "Paused",
            Some("paused"),
            count(|shown| shown == Shown::Paused),
        ),
    ];
    let mut chips: Vec<Chip> = statuses
        .into_iter()
        .filter(|(word, _, _, count)| *count > 0 || *word == choice.status)
        .map(|(word, text, mark, count)| Chip {
            link: choice.link(&[("status", word)]),
            text: text.to_owned(),
            count,
            mark,
            current: choice.status == word,
        })
        .collect();
    let is_critical = |one: &&Brief| one.severity == Severity::Critical;
    let critical = all.iter().filter(is_critical).count();
    let current = choice.severity == Some(Severity::Critical);
    if critical > 0 || current {
        chips.push(Chip {
            link: choice.link(&[("severity", if current { "" } else { "critical" })]),
            text: "Critical".to_owned(),
            count: critical,
            mark: None,
            current,
        });
    }
    chips.extend(tags.iter().take(12).map(|(tag, count)| {
        let current = *tag == choice.tag;
        Chip {
            link: choice.link(&[("tag", if current { "" } else { tag })]),
            text: tag.clone(),
            count: usize::try_from(*count).unwrap_or(usize::MAX),
            mark: None,
            current,
        }
    }));
    chips
}
