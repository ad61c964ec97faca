//! `/docs/monitors/kinds`: each kind with its form, an example for the API, and what its failures mean.
//! A test posts every example. A new kind is a section of the template.

use askama::Template;
use axum::extract::State;
use domain::check::FailureClass;
use domain::words;

use super::failures::phrase;
use super::guides::finish;
use crate::error::PageResult;
use crate::extract::Visitor;
use crate::pages::monitors::form::choices::{CHOICES, Choice};
use crate::state::AppState;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "docs/kinds.html")]
struct KindsPage {
    shell: Shell,
    base: String,
    choices: [Choice; 11],
}

impl KindsPage {
    /// Name and meaning of failure classes whose names begin with one of these words.
    fn failures(&self, begin: &str) -> Vec<(&'static str, String)> {
        FailureClass::ALL
            .iter()
            .filter(|class| {
                begin
                    .split(' ')
                    .any(|word| class.as_str().starts_with(word))
            })
            .map(|class| (class.as_str(), words::capitalised(&phrase(*class))))
            .collect()
    }
}

/// Shows them.
pub async fn show(visitor: Visitor, State(state): State<AppState>) -> PageResult {
    let shell = visitor
        .shell("Kinds of monitor")
        .section("docs")
        .description(
            "Every kind of monitor Watchbell has: its form, an example and what its failures mean.",
        );
    let page = KindsPage {
        shell,
        base: state.config.link(""),
        choices: CHOICES,
    };
    finish(&visitor, render(&page)?)
}
