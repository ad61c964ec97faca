//! A real Chromium, driven over WebDriver.

use std::process::Stdio;
use std::time::Duration;

use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

use super::folder::Folder;
use super::program::free_port;
use super::wait;

/// A browser window and the driver behind it.
pub struct Browser {
    /// The window.
    pub driver: WebDriver,
    _chromedriver: Child,
    _profile: Folder,
}

const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// Notes on each page, before its own scripts run, what the page's policy refuses and what fails.
const RECORDER: &str = r"
window.faults = [];
const note = (what) => window.faults.push(what);
document.addEventListener('securitypolicyviolation', (event) => note(`policy: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener('error', (event) => note(`error: ${event.message ?? event.target?.outerHTML}`), true);
addEventListener('unhandledrejection', (event) => note(`rejection: ${event.reason}`));
const print = console.error;
console.error = (...parts) => { note(`console: ${parts.join(' ')}`); print(...parts); };
";

impl Browser {
    /// Opens a window of `width` by `height` pixels.
    pub async fn open(width: u32, height: u32) -> Self {
        let port = free_port();
        let chromedriver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: run `make test`");
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in FLAGS {
            capabilities.add_arg(flag).expect("a flag");
        }
        capabilities
            .add_arg(&format!("--window-size={width},{height}"))
            .expect("a flag");
        let profile = Folder::new();
        capabilities
            .add_arg(&format!("--user-data-dir={}", profile.display()))
            .expect("a flag");
        let server = format!("http://127.0.0.1:{port}");
        let driver = wait::until("the browser opens", Duration::from_secs(30), async || {
            WebDriver::new(&server, capabilities.clone()).await.ok()
        })
        .await;
        Self {
            driver,
            _chromedriver: chromedriver,
            _profile: profile,
        }
    }

    /// From now on the window is a telephone of this size, which no real window can be.
    pub async fn be_a_phone(&self, width: u32, height: u32) {
        let size = serde_json::json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
        let answer = self
            .driver
            .cdp()
            .send_raw("Emulation.setDeviceMetricsOverride", size)
            .await;
        answer.expect("a telephone");
    }

    /// From the next page on, `window.faults` lists what a page's policy refuses and what fails in it.
    pub async fn record_faults(&self) {
        let source = serde_json::json!({"source": RECORDER});
        let answer = self
            .driver
            .cdp()
            .send_raw("Page.addScriptToEvaluateOnNewDocument", source)
            .await;
        answer.expect("a recorder");
    }

    /// Runs a script in the page and answers what it returns.
    pub async fn script(&self, source: &str) -> serde_json::Value {
        let answer = self.driver.execute(source, Vec::new()).await;
        answer.expect("a script").json().clone()
    }

    /// Loads a page.
    pub async fn goto(&self, url: &str) {
        self.driver.goto(url).await.expect("the page loads");
    }

    /// The element that `css` finds, waited for.
    pub async fn find(&self, css: &str) -> WebElement {
        wait::until(
            &format!("{css} on the page"),
            Duration::from_secs(15),
            async || self.driver.find(By::Css(css)).await.ok(),
        )
        .await
    }

    /// Types into a field, over what it holds.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("a field");
        field.send_keys(text).await.expect("a field");
    }

    /// Presses the button or link in the page's own part that reads `label`.
    pub async fn press(&self, label: &str) {
        let path = format!(
            "//main//*[self::button or self::a or self::summary][normalize-space()='{label}']"
        );
        let target = wait::until(
            &format!("\"{label}\" to press"),
            Duration::from_secs(15),
            async || self.driver.find(By::XPath(&path)).await.ok(),
        )
        .await;
        target.scroll_into_view().await.expect("on the page");
        target.click().await.expect("pressed");
    }

    /// Everything a person reads on the page.
    pub async fn text(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until the page reads `text`.
    pub async fn wait_for_text(&self, text: &str, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        while !self.text().await.contains(text) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "\"{text}\" is not on the page:\n{}",
                self.text().await
            );
            tokio::task::yield_now().await;
        }
    }

    /// Loads `url` until both texts are on the page, folded parts included, and answers all its text.
    pub async fn page_with(&self, url: &str, one: &str, other: &str, limit: Duration) -> String {
        wait::until(
            &format!("\"{one}\" and \"{other}\" on {url}"),
            limit,
            async || {
                self.goto(url).await;
                let body = self.driver.find(By::Tag("body")).await.ok()?;
                let text = body.prop("textContent").await.ok()??;
                (text.contains(one) && text.contains(other)).then_some(text)
            },
        )
        .await
    }

    /// Closes the window.
    pub async fn close(self) {
        let _ = self.driver.quit().await;
    }
}
