//! `docs/messages.md`: every message of every channel, written from the scenes of the snapshots.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use domain::alert::sms::{gsm, reply};
use domain::alert::voice::call::{Heard, Standing, turn};
use domain::alert::voice::{self, Script};
use domain::contact::{Channel, Way};
use domain::delivery::{AccountMessage, Event};
use domain::words;
use serde_json::json;

use crate::email::render::{self as mail, AccountBrief};
use crate::fixture::{account_messages, at, events, shown};
use crate::{sms, voice as calls};

const BASE: &str = "https://watchbell.example";

const HEAD: &str = "\
# Every message

What Watchbell says on each channel, word for word. This file is written by a test from the scenes that the snapshots
of `crates/notifier` use: `make messages` writes it anew, and `make test` fails while it is not what the code says. The
account is called Shop Ltd and lives in Berlin; the monitor is critical; Watchbell is at `watchbell.example`.

Mails are shown as text; each has an HTML part with the same words. How that looks:

| | |
|---|---|
| ![Down](images/mail-down.png) | ![Up](images/mail-up.png) |
| ![Many at once](images/mail-storm.png) | ![Code for a contact](images/mail-code.png) |
| ![Fire drill](images/mail-drill.png) | ![Certificate](images/mail-certificate.png) |
";

/// What a reader calls a scene.
fn title(name: &str) -> &str {
    match name {
        "down" => "Down",
        "down_without_diagnosis" => "Down, and we cannot say why",
        "diagnosed" => "Looked closer: the cause is another one",
        "escalated" => "Escalated: a later step of the policy",
        "escalated_again" => "Escalated: told again in a later round",
        "reminded" => "Reminded: nobody has it",
        "taken" => "Acknowledged: somebody has it",
        "up" => "Up",
        "up_first_word" => "Was down: over before you could be told",
        "closed_paused" => "Closed: the monitor was paused",
        "closed_by_hand_told" => "Closed by hand",
        "closed_by_hand" => "Was down: closed by hand before you could be told",
        "cert_expiring" => "Certificate expires",
        "cert_renewed" => "Certificate was renewed",
        "cert_worse" => "Certificate is worse than before",
        "domain_expiring" => "Domain expires",
        "slow" => "Slow",
        "partly_down" => "Partly down",
        "origin_fails" => "Served, but the server behind it fails",
        "blocked" => "Blocked: our looks are refused",
        "unknown" => "We could not look",
        "heartbeat_lost" => "A heartbeat may be lost",
        "storm_down" => "Many down at once, in one message",
        "storm_up" => "Many up again, in one message",
        "drill" => "Fire drill",
        "drill_again" => "Fire drill: nobody has answered",
        "drill_over" => "Fire drill: over",
        "test" => "Test message",
        other => other,
    }
}

struct Page(String);

impl Page {
    fn section(&mut self, heading: &str, text: &str) {
        write!(self.0, "\n## {heading}\n\n{text}\n").unwrap();
    }

    fn message(&mut self, heading: &str, text: &str) {
        let text = text.trim_end();
        write!(self.0, "\n### {heading}\n\n```text\n{text}\n```\n").unwrap();
    }

    fn folded(&mut self, heading: &str, text: &str) {
        write!(
            self.0,
            "\n<details><summary>{heading}</summary>\n\n```text\n{}\n```\n\n</details>\n",
            text.trim_end()
        )
        .unwrap();
    }
}

fn mails(page: &mut Page) {
    page.section(
        "Email",
        "Down and what follows it stand in one thread. A mail about an outage has the headers `X-Watchbell-Event` and\n`X-Watchbell-Incident`; only “Down” is marked as important.",
    );
    let mut show = |heading: &str, words: &mail::Words| {
        let text = format!("Subject: {}\n\n{}", words.subject, words.text);
        page.message(heading, &text);
    };
    for (name, scene) in events() {
        show(
            title(name),
            &scene.with_brief(|brief| mail::event(brief).unwrap()),
        );
    }
    for message in account_messages() {
        let heading = match message {
            AccountMessage::ContactCode { .. } => "Verification of a contact",
            AccountMessage::VerifyEmail { .. } => "Verification of a new account",
            AccountMessage::ChangeEmailNew { .. } => "Verification of a new address of an account",
            AccountMessage::ContactDisabled { .. } => "A contact was stopped",
            AccountMessage::UnsentAlert { .. } => "An alert reached nobody",
            AccountMessage::WalletEmpty { .. } => "The wallet is empty",
            AccountMessage::WatchConfirm { .. } => {
                "Tools: to be told when it is back, without an account"
            }
            AccountMessage::WatchBack { .. } => "Tools: it is back",
            AccountMessage::WatchStopped { .. } => "Tools: not back after 24 hours",
            _ => continue,
        };
        let brief = AccountBrief {
            message: &message,
            base: BASE,
            not_me: Some("https://watchbell.example/not-me/Qm4xR7"),
        };
        show(heading, &mail::account(brief).unwrap());
    }
}

fn code() -> AccountMessage {
    AccountMessage::ContactCode {
        code: "482913".into(),
        account: "Shop Ltd".into(),
    }
}

fn texts(page: &mut Page) {
    page.section(
        "SMS",
 "One segment of 160 characters, whatever the names are. A reply ACK takes it, STOP blocks everything.",
    );
    let mut show = |heading: &str, text: &str| {
        assert!(gsm::length(text) <= gsm::SEGMENT, "{text}");
        page.message(heading, text);
    };
    // The end of a drill goes where it costs nothing.
    for (name, scene) in events() {
        if name == "drill_over" || !scene.goes_to(Channel::Sms) {
            continue;
        }
        show(
            title(name),
            &scene.with_brief(|brief| sms::event(brief).unwrap()),
        );
    }
    show("Verification", &sms::account(&code()).unwrap());
    let (link, list) = (format!("{BASE}/i/7KQ2M9XA"), format!("{BASE}/incidents"));
    let zone = words::zone("Europe/Berlin");
    let names = ["Shop checkout".to_owned(), "API".to_owned()];
    for (heading, text) in [
        (
            "ACK, and one is open",
            reply::acknowledged("Shop checkout", &link),
        ),
        ("ACK, and several are open", reply::several(&names, &list)),
        ("ACK ALL", reply::acknowledged_all(2, &list)),
        (
            "ACK, and somebody has it",
            reply::already_taken("Shop checkout", "Kim", at("13:03:40"), &zone, &link),
        ),
        ("ACK, and nothing is open", reply::nothing_open(&list)),
        ("HELP", reply::help(&list)),
        (
            "START after STOP",
            reply::started(&format!("{BASE}/contacts")),
        ),
        ("Anything else", reply::unknown(&list)),
    ] {
        show(&format!("Answer to {heading}"), &text);
    }
}

fn spoken(script: &Script, heard: Heard, standing: Standing<'_>) -> String {
    let zone = words::zone("Europe/Berlin");
    let reply = turn(script, heard, standing, &zone);
    let mut text = reply.say.join("\n");
    if reply.asks {
        write!(
            text,
            "\n(after 8 s of silence all of it once more, then:)\n{}",
            voice::SILENCE
        )
        .unwrap();
    }
    text
}

fn scripts(page: &mut Page) {
    page.section(
        "Calls",
        "Somebody is called about an outage, a later step of its policy, a fire drill and many outages at once, and about the end\nof one only where that was asked for. Nobody is called to be reminded, about notices, or that somebody has it.",
    );
    let mut show = |heading: &str, text: &str| page.message(heading, text);
    let open = Standing::Open;
    for (name, scene) in events() {
        let Ok(script) = scene.with_brief(calls::event) else {
            continue;
        };
        // Nobody is called about what was not told, settings, and the end of a drill.
        let ends = scene.event == Event::IncidentResolved;
        if ends && !matches!(name, "up" | "storm_up") {
            continue;
        }
        show(title(name), &spoken(&script, Heard::Person, open));
        if name == "down" {
            let taken = Standing::Taken {
                by: "Kim",
                at: at("13:03:40"),
            };
            let over = Standing::Over {
                from: at("13:02:11"),
                to: at("13:08:23"),
            };
            for (heading, heard, standing) in [
                ("Key 1", Heard::Key('1'), open),
                ("Key 1, and somebody has it", Heard::Key('1'), taken),
                ("Key 2", Heard::Key('2'), open),
                ("Any other key", Heard::Key('9'), open),
                ("A machine answers", Heard::Machine, open),
                ("Somebody has it when you answer", Heard::Person, taken),
                ("It is over when you answer", Heard::Person, over),
            ] {
                show(
                    &format!("Down: {}", words_of(heading)),
                    &spoken(&script, heard, standing),
                );
            }
            let kim = ["Kim".to_owned()];
            show("Down: key 3", &voice::passed_on(&kim));
            show("Down: key 3, and nobody is left", &voice::passed_on(&[]));
        }
    }
    show("Verification", &calls::code(&code()).unwrap());
}

/// A heading as the end of another one.
fn words_of(heading: &str) -> String {
    let mut letters = heading.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn requests(page: &mut Page, channel: Channel) {
    let text = match channel {
        Channel::Webhook => {
            "Every event is sent, an incident's in order, and none is grouped. The signature is that of Standard Webhooks. The test\nmessage verifies it."
        }
        Channel::PagerDuty | Channel::Opsgenie => {
            "Every event is sent and none is grouped. The test message verifies it."
        }
        _ => "The request that the service gets. The test message verifies it.",
    };
    page.section(&words::capitalised(channel.name()), text);
    for (name, scene) in events() {
        if !scene.goes_to(channel) {
            continue;
        }
        let post = scene.post(channel, &json!({}));
        page.folded(title(name), &shown(&post));
    }
}

fn document() -> String {
    let mut page = Page(HEAD.to_owned());
    mails(&mut page);
    texts(&mut page);
    scripts(&mut page);
    for channel in Channel::by(Way::Hook) {
        requests(&mut page, channel);
    }
    page.0
}

#[test]
fn the_document_says_what_the_code_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let written = document();
    fs::create_dir_all(root.join("target")).unwrap();
    fs::write(root.join("target/messages.md"), &written).unwrap();
    let kept = fs::read_to_string(root.join("docs/messages.md")).unwrap_or_default();
    assert!(
        kept == written,
        "docs/messages.md is not up to date: run `make messages`, and read what has changed"
    );
}

#[test]
fn every_scene_has_a_title() {
    for (name, _) in events() {
        assert_ne!(title(name), name);
    }
}
