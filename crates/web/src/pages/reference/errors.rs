//! What each problem code means, with an example. The `type` of every problem leads here.

use askama::Template;
use axum::extract::{Path, State};
use domain::account::Plan;
use domain::monitor::validate::FieldError;

use crate::api::code::Code;
use crate::api::problem::Problem;
use crate::error::{PageError, PageResult};
use crate::extract::{RequestId, Visitor};
use crate::state::AppState;
use crate::usecases::{PlanLimit, Resource};
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "reference/errors.html")]
struct ErrorsPage {
    shell: Shell,
    codes: &'static [Code],
}

#[derive(Template)]
#[template(path = "reference/error.html")]
struct ErrorPage {
    shell: Shell,
    code: Code,
    example: String,
}

/// All codes.
pub(super) async fn list(visitor: Visitor) -> PageResult {
    let shell = visitor
        .shell("Problem codes")
        .section("docs")
        .description("Every problem code of the Watchbell API.");
    render(&ErrorsPage {
        shell,
        codes: Code::ALL,
    })
}

/// One code.
pub(super) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(word): Path<String>,
) -> PageResult {
    let code = Code::parse(&word).ok_or(PageError::NotFound)?;
    let shell = visitor
        .shell(code.title())
        .section("docs")
        .description("A problem code of the Watchbell API.");
    render(&ErrorPage {
        shell,
        code,
        example: example(code, &state)?,
    })
}

/// A problem of this code as the API writes it.
fn example(code: Code, state: &AppState) -> PageResult<String> {
    let problem = match code {
        Code::ValidationFailed => {
            Problem::invalid(vec![FieldError::new("/url", "required", "must be given")])
        }
        Code::PlanLimit => {
            let full = PlanLimit {
                resource: Resource::Monitors,
                limit: 10,
                used: 10,
                plan: Plan::Free,
                lifted_by: Some(Plan::Solo),
            };
            Problem {
                plan_limit: Some(full),
                ..Problem::new(code, full.to_string())
            }
        }
        Code::NotFound => Problem::not_found(),
        other => Problem::new(other, other.title().to_owned() + "."),
    };
    let id = RequestId("req_019acbd07c5e7b12a3f4d5c6b7a89012".to_owned());
    serde_json::to_string_pretty(&problem.body(&id, &state.config)).map_err(PageError::internal)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use sqlx::PgPool;

    use super::Code;
    use crate::tests::App;

    #[sqlx::test(migrator = "store::MIGRATOR")]
    async fn every_code_has_a_page(pool: PgPool) {
        let app = App::new(pool).await;
        let mut browser = app.browser();
        let all = browser.get("/docs/errors").await;
        assert_eq!(all.status, StatusCode::OK);
        for code in Code::ALL {
            let path = format!("/docs/errors/{}", code.as_str());
            assert!(all.body.contains(&path), "{path} is not listed");
            let page = browser.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(
                page.body.contains(code.title()) && page.body.contains("request_id"),
                "{path}"
            );
        }
        assert_eq!(
            browser.get("/docs/errors/nothing").await.status,
            StatusCode::NOT_FOUND
        );
    }
}
