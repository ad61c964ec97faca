//! `/docs/failures/{class}`: what each failure means and what to do. Every class of the domain has its
//! page; `classes` has a sentence for each, `advice` the causes and steps of its family.

mod advice;
mod classes;

use askama::Template;
use axum::extract::Path;
use domain::check::FailureClass;
use domain::words;

use self::advice::Advice;
use super::handbook::{self, Guide};
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::pages::public::listed;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "docs/failures.html")]
struct FailuresPage {
    shell: Shell,
    classes: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "docs/failure.html")]
struct FailurePage {
    shell: Shell,
    title: String,
    word: &'static str,
    meaning: &'static str,
    advice: &'static Advice,
    counts: &'static str,
    guide: Option<&'static Guide>,
}

/// The phrase without a particular look's figures.
pub(super) fn phrase(class: FailureClass) -> String {
    let examples = [
        ("{limit}", "the time-out"),
        ("{status}", "status"),
        ("{count}", "10"),
        ("{text}", "…"),
        ("{port}", "…"),
        ("{time}", "the expected time"),
        ("{code}", "1"),
    ];
    examples
        .iter()
        .fold(class.phrase().to_owned(), |phrase, (slot, word)| {
            phrase.replace(slot, word)
        })
}

/// All of them.
pub async fn index(visitor: Visitor) -> PageResult {
    let classes = FailureClass::ALL
        .iter()
        .map(|class| (class.as_str(), words::capitalised(&phrase(*class))))
        .collect();
    let shell = visitor
        .shell("Failures")
        .section("docs")
        .description("Every failure Watchbell tells apart.");
    Ok(listed(
        render(&FailuresPage { shell, classes })?,
        visitor.signed_in.is_some(),
    ))
}

/// One of them.
pub async fn show(visitor: Visitor, Path(word): Path<String>) -> PageResult {
    let class = FailureClass::parse(&word).ok_or(PageError::NotFound)?;
    let title = words::capitalised(&phrase(class));
    let (family, meaning) = classes::of(class);
    let page = FailurePage {
        shell: visitor
            .shell(title.clone())
            .section("docs")
            .description("What this failure means and what to do."),
        title,
        word: class.as_str(),
        meaning,
        advice: advice::of(family),
        counts: classes::counts(class),
        guide: handbook::of(None, class),
    };
    Ok(listed(render(&page)?, visitor.signed_in.is_some()))
}
