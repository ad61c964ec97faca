//! An answer prepared for reading: lower case, and no more of the body than error pages have.

use std::cell::OnceCell;

use crate::check::observation::HttpFacts;

/// Error pages name their author early.
const READ: usize = 64 * 1024;

/// An answer as the tables read it.
pub(crate) struct Page<'f> {
    facts: &'f HttpFacts,
    body: OnceCell<String>,
}

impl<'f> Page<'f> {
    pub(crate) fn of(facts: &'f HttpFacts) -> Self {
        Self {
            facts,
            body: OnceCell::new(),
        }
    }

    pub(crate) const fn status(&self) -> u16 {
        self.facts.status
    }

    /// All values of a header that may come several times.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.facts
            .headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// One of that name contains `part` (lower case); an empty part asks for presence alone.
    pub(crate) fn header_has(&self, name: &str, part: &str) -> bool {
        self.headers(name)
            .any(|value| value.to_lowercase().contains(part))
    }

    fn body(&self) -> &str {
        self.body.get_or_init(|| {
            let start = self.facts.body.get(..READ).unwrap_or(&self.facts.body);
            String::from_utf8_lossy(start).to_lowercase()
        })
    }

    /// What stands in its title and in its headlines of the first rank, tags and all.
    pub(crate) fn headlines(&self) -> impl Iterator<Item = &str> {
        ["<title", "<h1"].into_iter().flat_map(|tag| {
            let begun = self.body().match_indices(tag);
            begun.filter_map(|(at, _)| {
                let rest = self.body().get(at..)?;
                rest.split_once('>')?.1.split("</").next()
            })
        })
    }

    /// The body contains `part` (lower case). `=part` asks for the whole trimmed body.
    pub(crate) fn body_has(&self, part: &str) -> bool {
        match part.strip_prefix('=') {
            Some(whole) => self.body().trim() == whole,
            None => self.body().contains(part),
        }
    }
}
