//! The mail about several events.

use domain::alert::storm::Kind;

use super::{Frame, Say, Template, Words, contact_footer, mail_templates};
use crate::brief::Brief;
use crate::error::RenderError;
use crate::storm::{Said, Storm, open_of};

mail_templates! {
    Together: "storm/subject.txt" "storm/body.txt" "storm/body.html"
}

struct Fact {
    label: &'static str,
    value: Say,
}

impl Fact {
    fn label_padded(&self) -> String {
        format!("{:<9}", self.label)
    }
}

struct Row {
    name: Say,
    what: Say,
}

struct Together {
    frame: Frame,
    title: Say,
    facts: Vec<Fact>,
    /// What takes all of it, and where.
    button: Option<(String, String)>,
    open: &'static str,
    link: String,
    lines: Vec<Say>,
    rows: Vec<Row>,
    more: usize,
}

impl Together {
    fn more_words(&self) -> String {
        format!("and {} more", self.more)
    }
}

pub(super) fn together(brief: &Brief<'_>, storm: &Storm) -> Result<Words, RenderError> {
    let said = Said::of(storm, brief);
    let first = said.facts.first().map(|(_, value)| value.clone());
    let button = (matches!(storm.kind, Kind::Down | Kind::Again)).then(|| {
        let all = match storm.kind {
            Kind::Again => storm.members.len(),
            _ => open_of(storm),
        };
        let label = format!("I have all {all}");
        (label, brief.links.acknowledge.clone())
    });
    Together {
        frame: Frame {
            word: said.word,
            tone: said.tone,
            heading: Say::new(&said.heading),
            preheader: Say::new(first.unwrap_or_else(|| said.title.clone())),
            footer: contact_footer(brief),
        },
        title: Say::new(&said.title),
        facts: said
            .facts
            .into_iter()
            .map(|(label, value)| Fact {
                label,
                value: Say::new(value),
            })
            .collect(),
        button,
        open: said.open,
        link: storm.link.clone(),
        lines: said
            .lines
            .iter()
            .map(|line| Say::new(line.text()))
            .collect(),
        rows: said
            .lines
            .iter()
            .map(|line| Row {
                name: Say::new(&line.name),
                what: Say::new(domain::words::capitalised(&line.what)),
            })
            .collect(),
        more: said.more,
    }
    .words()
}
