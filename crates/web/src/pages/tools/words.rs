//! What tools are called, and what their results say.

use domain::tools::{Finding, Tool};

/// A tool as it is offered.
pub struct Offer {
    pub tool: Tool,
    pub title: &'static str,
    /// One line.
    pub about: &'static str,
    /// What is typed.
    pub label: &'static str,
    pub example: &'static str,
    pub button: &'static str,
}

/// All tools in the order in which they are offered.
pub const OFFERS: [Offer; 5] = [
    Offer {
        tool: Tool::Down,
        title: "Is it down, or is it me?",
        about: "We open the page from every region, time each part of it, and say whether it is down for everybody, and why.",
        label: "Address",
        example: "shop.example",
        button: "Look now",
    },
    Offer {
        tool: Tool::Headers,
        title: "Headers and redirects",
        about: "Every redirect on the way to a page, and the headers of its answer as they came.",
        label: "Address",
        example: "https://shop.example/page",
        button: "Show them",
    },
    Offer {
        tool: Tool::Certificate,
        title: "Certificate check",
        about: "Who issued it, for which names, how long it lasts, and whether browsers trust the chain as it is sent.",
        label: "Name, with a port where it is not 443",
        example: "shop.example",
        button: "Check it",
    },
    Offer {
        tool: Tool::Dns,
        title: "DNS lookup",
        about: "Addresses, aliases, mail and name servers, texts and who may issue certificates, from every region.",
        label: "Name",
        example: "shop.example",
        button: "Look it up",
    },
    Offer {
        tool: Tool::Ping,
        title: "Ping",
        about: "Four packets from every region: how many come back, and after how long.",
        label: "Name or address",
        example: "shop.example",
        button: "Ping it",
    },
];

/// The offer of a tool.
pub fn offer(tool: Tool) -> &'static Offer {
    OFFERS
        .iter()
        .find(|offer| offer.tool == tool)
        .unwrap_or(&OFFERS[0])
}

/// Title and first sentence of a result of `regions` regions that answered.
pub fn result(tool: Tool, finding: Finding, host: &str, regions: usize) -> (String, String) {
    let from = match regions {
        0 | 1 => "our look".to_owned(),
        2 => "both of our looks".to_owned(),
        more => format!("all {more} of our looks"),
    };
    let (title, sentence) = match (tool, finding) {
        (_, Finding::Unseen) => (
            format!("We could not look at {host}"),
            "The fault is ours, and says nothing about it. Look again in a minute.".to_owned(),
        ),
        (_, Finding::Refused) => (
            format!("{host} is not looked at from here"),
            "Its name or a redirect leads to an address that is not public. We look at what everybody can reach, from outside.".to_owned(),
        ),
        (Tool::Dns, Finding::Up | Finding::Slow) => (
            format!("What DNS says of {host}"),
            "As our resolvers answer it.".to_owned(),
        ),
        (Tool::Dns, Finding::Partly) => (
            format!("DNS of {host} answers some of our questions"),
            "Other questions got no answer, or not from everywhere.".to_owned(),
        ),
        (Tool::Dns, _) => (
            format!("DNS gives nothing for {host}"),
            String::new(),
        ),
        (Tool::Ping, Finding::Up | Finding::Slow) => (
            format!("{host} replies to ping"),
            "The machine and the way to it are there. Whether its website works is another question.".to_owned(),
        ),
        (Tool::Ping, Finding::Partly) => (
            format!("{host} replies to ping from some places"),
            "The network between some of our regions and it loses packets, or drops ping.".to_owned(),
        ),
        (Tool::Ping, _) => (
            format!("{host} does not reply to ping"),
            "Many networks drop ping on purpose, so this alone does not mean that it is down.".to_owned(),
        ),
        (Tool::Certificate, Finding::Up | Finding::Slow) => (
            format!("The certificate of {host} is good"),
            "Browsers trust it as it is sent.".to_owned(),
        ),
        (Tool::Certificate, Finding::Partly) => (
            format!("The certificate of {host} is not good everywhere"),
            "Not every server behind this name sends the same.".to_owned(),
        ),
        (Tool::Certificate, _) => (format!("The certificate of {host} is not good"), String::new()),
        (Tool::Headers, Finding::Up | Finding::Slow) => (
            format!("How {host} answers"),
            "The redirects on the way, and the headers of the last answer.".to_owned(),
        ),
        (Tool::Headers, _) => (
            format!("How {host} answers"),
            "The last answer is no good one.".to_owned(),
        ),
        (Tool::Down, Finding::Up) => (
            format!("{host} is up"),
            format!("It is not down: {from} got a good answer. If it does not open for you, the fault is likely between you and it."),
        ),
        (Tool::Down, Finding::Slow) => (
            format!("{host} is up, and slow"),
            format!("It answers, and {from} had to wait for it."),
        ),
        (Tool::Down, Finding::Partly) => (
            format!("{host} is down from some places"),
            "Some of our regions get a good answer and some do not. It may depend on where you are.".to_owned(),
        ),
        (Tool::Down, Finding::Blocked) => (
            format!("{host} turns our looks away"),
            "Something is there and takes us for a bot. Visitors may well see the page.".to_owned(),
        ),
        (Tool::Down, Finding::Down) => (
            format!("{host} is down"),
            format!("It is not you: {from} failed."),
        ),
    };
    (title, sentence)
}
