//! The guides.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::error::PageResult;
use crate::extract::Visitor;
use crate::pages::public::listed;
use crate::state::AppState;
use crate::view::{Shell, render};

/// The guides: address, title, one line.
pub const INDEX: [(&str, &str, &str); 11] = [
    (
        "/docs/getting-started",
        "Getting started",
        "From a URL to your first practised outage in two minutes",
    ),
    (
        "/docs/monitors",
        "Monitors",
        "What can be looked at, how often, and what counts as down",
    ),
    (
        "/docs/monitors/kinds",
        "Kinds of monitor",
        "Web pages, ports, ping, DNS, certificates, domains, mail, WebSocket, gRPC: each with an example",
    ),
    (
        "/docs/alerts",
        "Alerts",
        "Who is told, when, and what never wakes you",
    ),
    (
        "/docs/contacts",
        "Contacts",
        "Mail, SMS, calls, chat, push, paging and webhooks: where the address is, and what arrives there",
    ),
    (
        "/docs/on-call",
        "On call",
        "People who take turns, who stands in, and what happens where nobody is on call",
    ),
    (
        "/docs/maintenance",
        "Maintenance",
        "Times in which nobody is told: once, every week or by rule, and what happens at their end",
    ),
    (
        "/docs/failures",
        "Failures",
        "Every failure we tell apart, what it means and what to do",
    ),
    (
        "/docs/guides",
        "Guides",
        "502, time-outs, DNS, certificates, nginx, WordPress: how to find the cause, and what helps",
    ),
    ("/docs/api", "API", "Everything a page does, for programs"),
    (
        "/docs/self-hosting",
        "Self-hosting",
        "One binary and Postgres, and every setting",
    ),
];

macro_rules! guide {
    ($(#[$doc:meta])* $handler:ident, $view:ident, $template:literal, $title:literal, $about:literal) => {
        #[derive(Template)]
        #[template(path = $template)]
        struct $view {
            shell: Shell,
        }

        $(#[$doc])*
        pub async fn $handler(visitor: Visitor) -> PageResult {
            let shell = visitor.shell($title).section("docs").description($about);
            finish(&visitor, render(&$view { shell })?)
        }
    };
}

pub(super) fn finish(visitor: &Visitor, response: Response) -> PageResult {
    Ok(listed(response, visitor.signed_in.is_some()))
}

#[derive(Template)]
#[template(path = "docs/index.html")]
struct IndexPage {
    shell: Shell,
    guides: [(&'static str, &'static str, &'static str); 11],
}

/// All guides.
pub async fn index(visitor: Visitor) -> PageResult {
    let shell = visitor
        .shell("Docs")
        .section("docs")
        .description("How Watchbell works and how to use it.");
    finish(
        &visitor,
        render(&IndexPage {
            shell,
            guides: INDEX,
        })?,
    )
}

guide!(
    /// On-call schedules.
    on_call,
    OnCallPage,
    "docs/on_call.html",
    "On call",
    "People who take turns, who stands in, and what happens where clocks change."
);

guide!(
    /// Maintenance windows.
    maintenance,
    MaintenancePage,
    "docs/maintenance.html",
    "Maintenance",
    "Times in which nobody is told, and what happens at their end."
);

guide!(
    /// From nothing to a practised outage.
    getting_started, GettingStartedPage, "docs/getting_started.html", "Getting started",
    "From a URL to your first practised outage in two minutes."
);
guide!(
    /// What can be looked at.
    monitors, MonitorsPage, "docs/monitors.html", "Monitors", "What Watchbell can look at, how often, and what counts as down."
);
guide!(
    /// Each kind of contact.
    contacts, ContactsGuidePage, "docs/contacts.html", "Contacts", "Every kind of contact, where its address is found, what it gets, and how a webhook's signature is checked."
);
guide!(
    /// Who is told, and when.
    alerts, AlertsPage, "docs/alerts.html", "Alerts", "Who is told of an outage, when, and what never wakes you."
);

#[derive(Template)]
#[template(path = "docs/self_hosting.html")]
struct SelfHostingPage {
    shell: Shell,
    settings: &'static [Setting],
    version: String,
}

/// A setting of the environment.
struct Setting(&'static str, &'static str, &'static str);

const SETTINGS: [Setting; 26] = [
    Setting(
        "WATCHBELL_DATABASE_URL",
        "unset: embedded Postgres",
        "Postgres 15 or later, without a transaction pooler",
    ),
    Setting(
        "WATCHBELL_DATABASE_READ_URL",
        "unset",
        "a replica for pages and reports",
    ),
    Setting("WATCHBELL_DATABASE_POOL", "10", "connections per role"),
    Setting(
        "WATCHBELL_DATA_DIR",
        "var",
        "embedded database and generated secret",
    ),
    Setting(
        "WATCHBELL_LISTEN",
        "127.0.0.1:8080",
        "where pages and the API are served",
    ),
    Setting(
        "WATCHBELL_OPS_LISTEN",
        "worker 127.0.0.1:8081, notifier 127.0.0.1:8082",
        "health and metrics of the other roles",
    ),
    Setting(
        "WATCHBELL_BASE_URL",
        "http://localhost:8080",
        "links in mails, cookies, callbacks",
    ),
    Setting(
        "WATCHBELL_TRUSTED_PROXIES",
        "none",
        "networks whose X-Forwarded-For counts, from the right",
    ),
    Setting(
        "WATCHBELL_SECRET_KEY",
        "generated with the embedded database, else required",
        "one or more keys, newest first, comma-separated",
    ),
    Setting(
        "WATCHBELL_EGRESS",
        "hosted",
        "self-hosted allows private addresses to be looked at",
    ),
    Setting(
        "WATCHBELL_DNS_SERVERS",
        "system",
        "resolvers, ip:port,ip:port",
    ),
    Setting(
        "WATCHBELL_TARGET_BUDGET",
        "hosted 20, self-hosted none",
        "looks a second to one address over all accounts",
    ),
    Setting(
        "WATCHBELL_TLS_ROOTS",
        "unset",
        "a file of extra certificate authorities, PEM",
    ),
    Setting("WATCHBELL_REGION", "local", "region of this worker"),
    Setting(
        "WATCHBELL_REGION_NAME",
        "as the region",
        "what people read for it",
    ),
    Setting(
        "WATCHBELL_CANARIES",
        "built-in list; empty is off",
        "addresses that tell our own outage from yours",
    ),
    Setting(
        "WATCHBELL_USER_AGENT",
        "Watchbell/1 (+{base}/bot)",
        "how looks introduce themselves",
    ),
    Setting(
        "WATCHBELL_SMTP_URL, _SMTP_URL_2",
        "unset: local outbox",
        "smtp://user:pass@host:587?tls=required, smtps://…; the second takes what the first does not",
    ),
    Setting(
        "WATCHBELL_MAIL_FROM",
        "Watchbell <alerts@localhost>",
        "the sender",
    ),
    Setting(
        "WATCHBELL_OPERATOR_MAIL",
        "unset",
        "where you read what only you can mend: that something answers for addresses that nobody has",
    ),
    Setting(
        "WATCHBELL_TWILIO_ACCOUNT_SID, _AUTH_TOKEN, _FROM, _BASE_URL",
        "unset: local outbox",
        "text messages and calls by a Twilio-compatible provider; calls need a number as _FROM",
    ),
    Setting(
        "WATCHBELL_TWILIO2_…",
        "unset",
        "the same for the provider that takes what the first does not",
    ),
    Setting("WATCHBELL_LOG", "info", "what is logged"),
    Setting("WATCHBELL_LOG_FORMAT", "text", "text or json"),
    Setting("WATCHBELL_SIGNUP", "open", "open, invite or closed"),
    Setting(
        "WATCHBELL_TOOLS",
        "on",
        "on: looks for everybody at /tools, at public addresses; inside: also at private ones, where WATCHBELL_EGRESS allows them; off: none",
    ),
];

/// How to run it.
pub async fn self_hosting(visitor: Visitor, State(state): State<AppState>) -> PageResult {
    let shell = visitor
        .shell("Self-hosting")
        .section("docs")
        .description("Run Watchbell yourself: one binary and Postgres.");
    finish(
        &visitor,
        render(&SelfHostingPage {
            shell,
            settings: &SETTINGS,
            version: state.config.version.clone(),
        })?,
    )
}
