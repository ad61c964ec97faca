//! Every mail under snapshot: subject, text and HTML.

use super::render;
use crate::fixture::{Scene, account_messages, events};

#[test]
fn every_event() {
    let only_mail = [
        (
            "down_again",
            Scene {
                again: true,
                ..Scene::down()
            },
        ),
        ("down_stand_in", Scene::stand_in()),
        ("down_after_blind", Scene::down_after_blind()),
        ("down_after_deploy", Scene::down_after_deploy()),
        ("down_behind", Scene::down_with_others_behind()),
        ("cert_earlier", Scene::earlier_certificate()),
    ];
    for (name, scene) in events().into_iter().chain(only_mail) {
        check(name, &scene);
    }
}

fn check(name: &str, scene: &Scene) {
    let words = scene.with_brief(|brief| render::event(brief).unwrap());
    assert!(words.subject.is_ascii() && !words.subject.contains(['\r', '\n']));
    assert!(words.text.lines().all(|line| line.chars().count() <= 78
        || line.contains("://")
        || line.contains("openssl")
        || line.contains("curl")));
    insta::assert_snapshot!(
        format!("{name}.txt"),
        format!("Subject: {}\n\n{}", words.subject, words.text)
    );
    insta::assert_snapshot!(format!("{name}.html"), words.html);
    keep(name, &words.html);
}

#[test]
fn account_mails() {
    for message in account_messages() {
        let words = render::account(render::AccountBrief {
            message: &message,
            base: "https://watchbell.example",
            not_me: Some("https://watchbell.example/not-me/Qm4xR7"),
        })
        .unwrap();
        let name = format!("account_{}", message.template());
        insta::assert_snapshot!(
            format!("{name}.txt"),
            format!("Subject: {}\n\n{}", words.subject, words.text)
        );
        insta::assert_snapshot!(format!("{name}.html"), words.html);
        keep(&name, &words.html);
    }
}

/// Leaves the HTML where a browser can be pointed at it (`target/mails`).
fn keep(name: &str, html: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/mails");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
}

#[test]
fn what_a_target_says_cannot_break_out() {
    let scene = Scene::hostile();
    let words = scene.with_brief(|brief| render::event(brief).unwrap());
    assert!(
        !words.html.contains("<script") && !words.html.contains("<img"),
        "{}",
        words.html
    );
    assert!(
        words.subject.bytes().all(|b| (b' '..=b'~').contains(&b)),
        "{}",
        words.subject
    );
    assert!(!words.text.contains('\u{202e}') && !words.text.contains("\r\nBcc"));
    let mail = scene.mail(words);
    let (envelope, bytes) = mail.message(&Scene::sender(), scene.now).unwrap();
    let message = String::from_utf8(bytes).unwrap();
    let head = message.split("\r\n\r\n").next().unwrap();
    assert!(
        !head.contains("\r\nBcc") && !head.contains("\nBcc"),
        "{head}"
    );
    assert_eq!(envelope.to().len(), 1);
}

#[test]
fn headers_are_those_of_the_reference() {
    let scene = Scene::down();
    let mail = scene.mail(scene.with_brief(|brief| render::event(brief).unwrap()));
    let again = crate::email::Mail {
        reply_to: Some("del_first".into()),
        urgent: false,
        event: "incident.resolved".into(),
        ..mail.clone()
    };
    let head = |mail: &crate::email::Mail| {
        let (_, bytes) = mail.message(&Scene::sender(), scene.now).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap().to_owned();
        let kept: Vec<&str> = head
            .lines()
            .filter(|line| !line.contains("boundary") && !line.starts_with("Content-Type"))
            .collect();
        kept.join("\n")
    };
    insta::assert_snapshot!("headers_first", head(&mail));
    insta::assert_snapshot!("headers_later", head(&again));
    assert_eq!(head(&mail), head(&mail), "the same on every try");
}
