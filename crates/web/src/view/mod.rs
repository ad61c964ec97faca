//! What templates are given. A page's view struct derives `askama::Template`, has a field
//! `shell: Shell`, and its template extends `layout.html`.

mod time;

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use axum_extra::extract::cookie::CookieJar;
use domain::status::Shown;
use http::StatusCode;
use store::sessions::SignedIn;

use crate::assets;
use crate::error::PageResult;

pub use time::Moment;

/// The colours a person reads in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie, the table and `data-theme`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == word)
    }

    /// The theme of the cookie.
    pub fn of(jar: &CookieJar) -> Self {
        jar.get("theme")
            .and_then(|cookie| Self::parse(cookie.value()))
            .unwrap_or_default()
    }
}

/// The frame of a page: what `layout.html` shows around the content.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Page title, without " · Watchbell".
    pub title: String,
    /// Colours.
    pub theme: Theme,
    /// Who is signed in.
    pub person: Option<Person>,
    /// The entry of the header that is current: `monitors`, `incidents`, `contacts`, `docs`, `settings`.
    pub section: &'static str,
    /// Shown before the title in the tab: "(2 down)".
    pub alert: Option<String>,
    /// What the description in search engines says; only public pages have one.
    pub description: Option<&'static str>,
    /// One line above the content: what a form has just done.
    pub notice: Option<String>,
    /// Extra module scripts of this page, by path under `static/`.
    pub scripts: Vec<&'static str>,
    /// The bell with the worst status of what is shown, by path under `static/`.
    pub favicon: &'static str,
    /// Leads to the tools for everybody.
    pub tools: bool,
    /// What keeps the page fresh; `None` for pages that do not change.
    pub live: Option<Live>,
}

/// What a live page tells its script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Our clock, RFC 3339: a browser's may be wrong.
    pub now: String,
    /// The account's zone, IANA name.
    pub zone: String,
    /// Changes that concern the page: `monitor:mon_… incident:*`, blanks between.
    pub topics: String,
    /// Monitors whose looks are on screen, blanks between.
    pub watch: String,
}

/// Who is signed in, as the layout shows it.
#[derive(Debug, Clone)]
pub struct Person {
    /// Address.
    pub email: String,
    /// The address is proven. If not, a banner says that nobody is alerted.
    pub verified: bool,
    /// Single keys work.
    pub keyboard_shortcuts: bool,
    /// The name of the account in view.
    pub account_name: String,
}

impl Shell {
    /// The frame for `signed_in`.
    pub fn new(title: String, theme: Theme, signed_in: Option<&SignedIn>) -> Self {
        let person = signed_in.map(|signed_in| Person {
            email: signed_in.user.email.clone(),
            verified: signed_in.user.email_verified_at.is_some(),
            keyboard_shortcuts: signed_in.user.keyboard_shortcuts,
            account_name: signed_in
                .membership
                .as_ref()
                .map(|m| m.account_name.clone())
                .unwrap_or_default(),
        });
        Self {
            title,
            theme,
            person,
            section: "",
            alert: None,
            description: None,
            notice: None,
            scripts: Vec::new(),
            favicon: "icons/favicon.svg",
            tools: false,
            live: None,
        }
    }

    /// Marks an entry of the header.
    #[must_use]
    pub const fn section(mut self, section: &'static str) -> Self {
        self.section = section;
        self
    }

    /// Puts a count of what is down before the title.
    #[must_use]
    pub fn alert(mut self, alert: Option<String>) -> Self {
        self.alert = alert;
        self
    }

    /// Describes a public page to search engines.
    #[must_use]
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// Says what a form has just done.
    #[must_use]
    pub fn notice(mut self, text: Option<String>) -> Self {
        self.notice = text;
        self
    }

    /// Shows the worst status of what is on the page in the browser's tab.
    #[must_use]
    pub const fn worst(mut self, status: Option<Shown>) -> Self {
        self.favicon = match status {
            Some(Shown::Down) => "icons/favicon-down.svg",
            Some(Shown::Partial) => "icons/favicon-partial.svg",
            Some(Shown::Degraded) => "icons/favicon-degraded.svg",
            Some(Shown::Blocked) => "icons/favicon-blocked.svg",
            Some(Shown::Unknown) => "icons/favicon-unknown.svg",
            _ => "icons/favicon.svg",
        };
        self
    }

    /// Keeps the page fresh.
    #[must_use]
    pub fn live(mut self, live: Live) -> Self {
        self.live = Some(live);
        self
    }

    /// Adds a module script.
    #[must_use]
    pub fn script(mut self, file: &'static str) -> Self {
        self.scripts.push(file);
        self
    }

    /// The address that is still to be proven.
    pub fn unverified(&self) -> Option<&str> {
        self.person
            .as_ref()
            .filter(|person| !person.verified)
            .map(|person| person.email.as_str())
    }

    /// The address of a static file, with the hash of its content: `shell.asset("css/app.css")`.
    pub fn asset(&self, path: &str) -> String {
        assets::url(path)
    }
}

/// Renders a page.
pub fn render(page: &impl Template) -> PageResult {
    Ok(Html(page.render()?).into_response())
}

/// Renders a page with another status: 422 for a form that comes back with its errors.
pub fn render_with(status: StatusCode, page: &impl Template) -> PageResult {
    Ok((status, Html(page.render()?)).into_response())
}

/// After a post: look at `path`.
pub fn see_other(path: &str) -> PageResult {
    Ok(Redirect::to(path).into_response())
}
