//! What every page keeps to: no wider than the smallest phone, nothing that its own policy refuses, no
//! script that fails.

use std::time::Duration;

use crate::support::browser::Browser;
use crate::support::database::StoryDatabase;
use crate::support::program::Settings;

const SOON: Duration = Duration::from_secs(20);
/// The narrowest phone in use, in CSS pixels.
const PHONE: u32 = 360;

const PUBLIC: [&str; 23] = [
    "/",
    "/signup",
    "/login",
    "/forgot",
    "/docs",
    "/docs/getting-started",
    "/docs/monitors",
    "/docs/monitors/kinds",
    "/docs/alerts",
    "/docs/contacts",
    "/docs/self-hosting",
    "/docs/api",
    "/docs/errors",
    "/docs/failures",
    "/docs/failures/tls_incomplete_chain",
    "/docs/guides",
    "/docs/guides/docker",
    "/tools",
    "/tools/down",
    "/tools/dns?target=shop.example",
    "/bot",
    "/changelog",
    "/nothing-here",
];
const SIGNED_IN: [&str; 26] = [
    "/monitors",
    "/monitors?q=nothing-like-it",
    "/monitors/new",
    "/monitors/new?kind=ping",
    "/monitors/new?kind=tcp",
    "/monitors/new?kind=udp",
    "/monitors/new?kind=dns",
    "/monitors/new?kind=tls",
    "/monitors/new?kind=domain",
    "/monitors/new?kind=smtp",
    "/monitors/new?kind=websocket",
    "/monitors/new?kind=grpc",
    "/monitors/new?kind=heartbeat",
    "/monitors/deleted",
    "/incidents",
    "/contacts",
    "/policies",
    "/policies/new",
    "/settings/profile",
    "/settings/security",
    "/settings/api-keys",
    "/settings/plan",
    "/settings/wallet",
    "/settings/data",
    "/settings/data/delete",
    "/outbox",
];

/// Looks at one page; answers what is wrong with it.
async fn complaints(browser: &Browser, base: &str, path: &str) -> Vec<String> {
    browser.goto(&format!("{base}{path}")).await;
    browser.find("footer").await;
    let mut wrong: Vec<String> = browser
        .script("return window.faults;")
        .await
        .as_array()
        .expect("the recorder runs before the page")
        .iter()
        .map(|fault| format!("{path}: {fault}"))
        .collect();
    let width = browser
        .script("return document.scrollingElement.scrollWidth;")
        .await;
    if width.as_u64() != Some(u64::from(PHONE)) {
        wrong.push(format!("{path}: {width} pixels wide"));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phone_and_breaks_none_of_its_own_rules() {
    let database = StoryDatabase::fresh().await;
    let settings = Settings::local(&database.url);
    let _server = settings.serve().await;
    let (base, browser) = (settings.base(), Browser::open(1280, 900).await);
    browser.be_a_phone(PHONE, 800).await;
    browser.record_faults().await;

    let mut wrong = Vec::new();
    for path in PUBLIC {
        wrong.extend(complaints(&browser, &base, path).await);
    }
    browser.goto(&format!("{base}/signup")).await;
    browser.fill("#email", "newcomer@shop.example").await;
    browser.fill("#password", "correct horse battery").await;
    browser.press("Sign up").await;
    browser.wait_for_text("Confirm your address", SOON).await;
    wrong.extend(complaints(&browser, &base, "/verify").await);
    wrong.extend(complaints(&browser, &base, "/monitors").await);
    browser
        .press("Watch the practice site, then break it")
        .await;
    browser
        .wait_for_text("Make it answer like this", SOON)
        .await;
    browser
        .find("button[name=mode][value='502']")
        .await
        .click()
        .await
        .unwrap();
    browser.wait_for_text("Down", Duration::from_secs(30)).await;
    for path in SIGNED_IN {
        wrong.extend(complaints(&browser, &base, path).await);
    }
    for list in ["/monitors", "/incidents", "/contacts"] {
        browser.goto(&format!("{base}{list}")).await;
        let row = browser.find("a[data-row-link]").await;
        let path = row.attr("href").await.unwrap().unwrap();
        wrong.extend(complaints(&browser, &base, &path).await);
        if list == "/monitors" {
            for range in ["?range=7d", "?range=30d", "?range=90d", "/edit", "/delete"] {
                wrong.extend(complaints(&browser, &base, &format!("{path}{range}")).await);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // The recorder sees what is refused, and the ruler what is too wide.
    browser
        .script("document.body.insertAdjacentHTML('beforeend', `<img src=/favicon.ico onerror=1><pre>${'wide'.repeat(50)}</pre>`);")
        .await;
    let seen = browser.script("return window.faults;").await.to_string();
    assert!(seen.contains("policy: script-src"), "{seen}");
    let width = browser
        .script("return document.scrollingElement.scrollWidth;")
        .await;
    assert!(width.as_u64() > Some(u64::from(PHONE)), "{width}");
    browser.close().await;
}
