//! A message that tells of several events at once: what it is made of, and its words in each form.
//!
//! When messages go together is `domain::alert::storm`; here is what they then say.

mod gather;
mod said;

pub(crate) use gather::{Gathered, gather};
pub(crate) use said::{
    Line, Said, is_follow_up, longest, monitors, number_of, open_of, takers, told_of,
};

use domain::alert::storm::{Kind, Member, shared};
use domain::delivery::Event;
use domain::delivery::payload::{CertificateNews, RegistrationNews, StandIn, StatusNotice};
use domain::words;
use store::deliveries::claim::storm::{Part, Standing};

use crate::brief::Brief;
use crate::card::{Card, Urgency};

/// Characters of the names in a chat message; the page has all of them.
const ROOM: usize = 560;

/// What a message tells of.
#[derive(Debug, Clone)]
pub(crate) struct Storm {
    pub(crate) kind: Kind,
    /// Critical monitors first, then the oldest.
    pub(crate) members: Vec<Member>,
    /// Outages of the storm that the contact was told of one by one.
    pub(crate) alone: Vec<Member>,
    /// Outages that began and ended while the contact was not to be told: said in a line.
    pub(crate) ended: usize,
    /// The contact has not heard of these outages: they tell of their beginning too.
    pub(crate) first_word: bool,
    /// Who has them.
    pub(crate) by: Vec<String>,
    /// Of the storm as a whole; `None` for what belongs to none.
    pub(crate) standing: Option<Standing>,
    /// Messages among them that stand in for those to somebody else.
    pub(crate) stand_in: Option<StandIn>,
    /// Where all of it can be seen.
    pub(crate) link: String,
}

impl Storm {
    pub(crate) fn of(
        kind: Kind,
        (parts, alone): (&[Part], &[Part]),
        standing: Option<Standing>,
        link: String,
    ) -> Self {
        let mut by: Vec<String> = parts
            .iter()
            .filter_map(|part| Some(part.acknowledged_by.as_ref()?.name.clone()))
            .collect();
        by.sort();
        by.dedup();
        let stand_in = parts
            .iter()
            .filter_map(|part| part.payload.get("fallback"))
            .find_map(|fallback| serde_json::from_value(fallback.clone()).ok());
        let is_over = |part: &&Part| kind == Kind::Down && part.event == Event::IncidentResolved;
        let ended = parts.iter().filter(is_over).count();
        let told = parts.iter().filter(|part| !is_over(part));
        let mut members: Vec<Member> = told.map(member).collect();
        if kind == Kind::Ending {
            members.sort_by_key(|member| member.since);
        }
        Self {
            kind,
            members,
            ended,
            first_word: false,
            alone: alone.iter().map(member).collect(),
            by,
            standing,
            stand_in,
            link,
        }
    }

    /// Of outages that go on it tells of one: where there is room for little, that is told as by itself.
    pub(crate) fn is_one_outage(&self) -> bool {
        self.kind == Kind::Down && self.members.len() + self.alone.len() == 1
    }

    /// What most of the outages have in common, those told before among them.
    pub(crate) fn shared(&self) -> Option<domain::alert::storm::Shared> {
        let all: Vec<Member> = self.members.iter().chain(&self.alone).cloned().collect();
        shared(&all)
    }

    /// As a chat message.
    pub(crate) fn card(&self, brief: &Brief<'_>) -> Card {
        let said = Said::of(self, brief);
        let mut facts = said.facts;
        let list: Vec<String> = said.lines.iter().map(Line::text).collect();
        let room = list.iter().scan(0, |used, line| {
            *used += line.chars().count() + 2;
            (*used <= ROOM).then_some(())
        });
        let named = room.count();
        let more = match said.more + list.len() - named {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        facts.push(("Monitors", format!("{}{more}", list[..named].join("; "))));
        let mut links = Vec::new();
        if matches!(self.kind, Kind::Down | Kind::Again) {
            links.push(("I have all of them", brief.links.acknowledge.clone()));
        }
        links.push((said.open, self.link.clone()));
        Card {
            tone: said.tone,
            urgency: match self.kind {
                Kind::Down | Kind::Again => Urgency::of_outage(brief),
                Kind::Taken | Kind::Up => Urgency::News,
                Kind::Notice | Kind::Ending => Urgency::Quiet,
            },
            title: said.title,
            link: self.link.clone(),
            lead: said.heading,
            facts,
            links,
            acknowledge: brief.links.acknowledge.clone(),
            footer: format!("{} at Watchbell", brief.account_name()),
            at: brief.now,
        }
    }
}

fn member(part: &Part) -> Member {
    if let Some(ending) = ending(part) {
        return ending;
    }
    let notice: Option<StatusNotice> = serde_json::from_value(part.payload.clone()).ok();
    let (since, cause) = match (&part.failure, &notice) {
        (Some(failure), _) => (
            part.first_failure_at,
            words::cause(failure, part.attribution),
        ),
        (None, Some(notice)) => (Some(notice.since), noticed(part.event, notice).to_owned()),
        (None, None) => (part.first_failure_at, String::new()),
    };
    Member {
        name: match part.monitor_name.as_str() {
            "" => "A deleted monitor".to_owned(),
            name => name.to_owned(),
        },
        since: since.unwrap_or_default(),
        until: part.resolved_at,
        cause,
        host: part.host.clone(),
        address: part.address.clone(),
    }
}

/// A certificate or a registration; of one that ends, `since` is its end.
fn ending(part: &Part) -> Option<Member> {
    let (name, since, cause) = match part.event {
        Event::TlsExpiring => {
            let news: CertificateNews = serde_json::from_value(part.payload.clone()).ok()?;
            (news.host, news.not_after, "certificate")
        }
        Event::DomainExpiring => {
            let news: RegistrationNews = serde_json::from_value(part.payload.clone()).ok()?;
            (news.name, news.expires_at, "domain")
        }
        _ => return None,
    };
    Some(Member {
        host: name.clone(),
        name,
        since,
        until: None,
        cause: cause.to_owned(),
        address: None,
    })
}

/// What a quiet notice says of its monitor.
const fn noticed(event: Event, notice: &StatusNotice) -> &'static str {
    match event {
        _ if notice.origin.is_some() => "served, its origin fails",
        Event::MonitorDegraded => "slow",
        Event::MonitorPartial => "down for some regions",
        Event::MonitorBlocked => "refuses our looks",
        Event::TlsRenewed => "has a new certificate",
        Event::TlsWorse => "has a worse certificate",
        _ => "could not be looked at",
    }
}
