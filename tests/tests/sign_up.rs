//! A newcomer with a browser: from the landing page to the mail that says it is over.

use std::time::Duration;

use testkit::Behaviour;
use tokio::time::Instant;

use crate::support::browser::Browser;
use crate::support::program::Settings;
use crate::support::stage::Stage;

const SOON: Duration = Duration::from_secs(20);

/// The six digits in a message.
fn code(text: &str) -> String {
    let digits = |word: &str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_digit())
        .find(|word| digits(word))
        .expect("a code in the mail")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_landing_page_to_the_recovery_mail() {
    let Stage {
        mail,
        site,
        phone,
        settings,
    } = Stage::set().await;
    let _server = settings.serve().await;
    let browser = Browser::open(1280, 900).await;

    browser.goto(&settings.base()).await;
    browser.fill("#url", &site.url("/checkout")).await;
    browser.press("Watch it").await;
    browser.fill("#email", "newcomer@shop.example").await;
    browser.fill("#password", "correct horse battery").await;
    browser.press("Sign up").await;
    browser.wait_for_text("Confirm your address", SOON).await;
    let welcome = mail.wait_for("", SOON).await;
    browser.fill("#code", &code(&welcome.text)).await;
    browser.press("Confirm").await;
    let target = browser.find("#target").await;
    assert_eq!(
        target.value().await.unwrap().unwrap_or_default(),
        site.url("/checkout"),
        "the address came along"
    );
    browser.press("Watch it").await;
    browser.wait_for_text("The first look is good", SOON).await;
    let monitor = browser.driver.current_url().await.unwrap();

    browser.goto(&format!("{}/contacts", settings.base())).await;
    browser
        .find("a.chip[href*='kind=sms']")
        .await
        .click()
        .await
        .unwrap();
    browser.fill("#address", "+1 202 555 0143").await;
    browser.press("Add and send a code").await;
    let texts = tokio::time::timeout(SOON, phone.wait_for(1))
        .await
        .expect("a code by text");
    browser.fill("#code", &code(&texts[0].body)).await;
    browser.press("Confirm").await;
    // The list again: only then the code was taken.
    browser.find("a.chip[href*='kind=sms']").await;
    browser.goto(monitor.as_str()).await;

    site.set(Behaviour::Status(502));
    browser.press("Check now").await;
    mail.wait_for("Down: ", Duration::from_secs(30)).await;
    let texts = tokio::time::timeout(SOON, phone.wait_for(2))
        .await
        .expect("the outage by text");
    assert!(texts[1].body.starts_with("DOWN "), "{}", texts[1].body);
    browser
        .goto(&format!("{}/incidents", settings.base()))
        .await;
    browser.wait_for_text("1 incident is open", SOON).await;
    browser.wait_for_text("502", SOON).await;

    site.set(Behaviour::Fine);
    mail.wait_for("Up: ", Duration::from_secs(90)).await;
    let texts = tokio::time::timeout(SOON, phone.wait_for(3))
        .await
        .expect("the recovery by text");
    assert!(texts[2].body.starts_with("UP "), "{}", texts[2].body);
    // Nobody reloads: the open page hears of it.
    browser.wait_for_text("Lasted", SOON).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_outage_on_a_machine_with_nothing_set_up() {
    let settings = Settings::embedded();
    let started = Instant::now();
    let _server = settings.serve().await;
    let ready = started.elapsed();
    let browser = Browser::open(390, 844).await;
    let landed = Instant::now();
    browser.goto(&settings.base()).await;
    browser.goto(&format!("{}/signup", settings.base())).await;
    browser.fill("#email", "newcomer@shop.example").await;
    browser.fill("#password", "correct horse battery").await;
    browser.press("Sign up").await;
    browser.wait_for_text("Confirm your address", SOON).await;
    let outbox = format!("{}/outbox", settings.base());
    let mail = browser.page_with(&outbox, "Plain text", "code", SOON).await;
    browser.goto(&format!("{}/verify", settings.base())).await;
    browser.fill("#code", &code(&mail)).await;
    browser.press("Confirm").await;
    browser
        .press("Watch the practice site, then break it")
        .await;
    browser
        .wait_for_text("Make it answer like this", SOON)
        .await;
    let first_look = landed.elapsed();
    browser
        .find("button[name=mode][value='502']")
        .await
        .click()
        .await
        .unwrap();
    browser.wait_for_text("Down", Duration::from_secs(30)).await;
    browser.page_with(&outbox, "Down: ", "502", SOON).await;
    let told = landed.elapsed();
    browser.driver.back().await.unwrap();
    browser
        .find("button[name=mode][value='fine']")
        .await
        .click()
        .await
        .unwrap();
    browser
        .page_with(&outbox, "Up: ", "was down", Duration::from_secs(60))
        .await;
    eprintln!(
        "ready after {ready:.1?}; from the landing page: first look {first_look:.1?}, first alert {told:.1?}"
    );
    browser.close().await;
}
