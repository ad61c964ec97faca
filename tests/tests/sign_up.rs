//! A newcomer with a browser: from the landing page to the mail that says it is over.

use std::time::Duration;

use testkit::{Behaviour, SwitchableSite};

use crate::support::browser::Browser;
use crate::support::database::StoryDatabase;
use crate::support::mail::{Mail, MailServer};
use crate::support::program::Settings;

const SOON: Duration = Duration::from_secs(20);

/// The six digits in a mail.
fn code(mail: &Mail) -> String {
    let digits = |word: &str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    mail.text.split(|c: char| !c.is_ascii_digit()).find(|word| digits(word)).expect("a code in the mail").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_landing_page_to_the_recovery_mail() {
    let (database, mail, site) = (StoryDatabase::fresh().await, MailServer::start().await, SwitchableSite::start().await);
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
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
    browser.fill("#code", &code(&welcome)).await;
    browser.press("Confirm").await;
    let target = browser.find("#target").await;
    assert_eq!(target.value().await.unwrap().unwrap_or_default(), site.url("/checkout"), "the address came along");
    browser.press("Watch it").await;
    browser.wait_for_text("Up since", SOON).await;

    site.set(Behaviour::Status(502));
    browser.press("Check now").await;
    mail.wait_for("Down: ", Duration::from_secs(30)).await;
    browser.goto(&format!("{}/monitors", settings.base())).await;
    browser.wait_for_text("Down", SOON).await;
    browser.goto(&format!("{}/incidents", settings.base())).await;
    browser.wait_for_text("502", SOON).await;

    site.set(Behaviour::Fine);
    mail.wait_for("Up: ", Duration::from_secs(90)).await;
    browser.wait_for_text("was down", SOON).await;
    browser.close().await;
}
