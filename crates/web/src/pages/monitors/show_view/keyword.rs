//! The text that is proposed for a page.

use domain::monitor::proposal::{Missing, has_room};

use super::Facts;

/// A text to watch for, and why.
pub struct KeywordView {
    pub text: String,
    /// What was found out about the site.
    pub found: String,
    /// The site answers well for pages that do not exist, so that it matters more.
    pub is_loud: bool,
    /// The version of the settings that it is about.
    pub version: i64,
}

pub(super) fn shown(facts: &Facts) -> Option<KeywordView> {
    let proposal = facts.keyword.as_ref()?;
    let monitor = &facts.monitor;
    if monitor.deleted_at.is_some() || !has_room(&monitor.settings()) {
        return None;
    }
    let status = proposal.status;
    let found = match proposal.missing {
        Missing::Answers => {
            format!("Your site answers {status} even for pages that do not exist.")
        }
        Missing::Leads => format!(
            "Your site leads visitors of pages that do not exist to one that answers {status}."
        ),
        Missing::Refuses => {
            format!("Your site answers {status} for pages that do not exist, as it should.")
        }
    };
    Some(KeywordView {
        text: proposal.text.clone(),
        found,
        is_loud: proposal.missing != Missing::Refuses,
        version: monitor.config_version,
    })
}
