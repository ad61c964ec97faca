//! `/docs/api`: every operation with its parameters, fields, answers and a command to copy.

use askama::Template;
use axum::extract::State;

use super::reading::{Group, Object, read};
use crate::api::openapi;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::state::AppState;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "reference/api.html")]
struct ApiPage {
    shell: Shell,
    base: String,
    groups: Vec<Group>,
    objects: Vec<Object>,
}

/// The page.
pub(super) async fn show(State(state): State<AppState>, visitor: Visitor) -> PageResult {
    let document =
        serde_json::to_value(openapi::document(&state.config)).map_err(PageError::internal)?;
    let base = state.config.link("/api/v1");
    let (groups, objects) = read(&document, &state.config.link(""));
    let shell = visitor.shell("API").section("docs").description(
        "Every operation of the Watchbell API with its fields, answers and a command to copy.",
    );
    render(&ApiPage {
        shell,
        base,
        groups,
        objects,
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use sqlx::PgPool;

    use crate::api::openapi;
    use crate::tests::App;

    #[sqlx::test(migrator = "store::MIGRATOR")]
    async fn every_operation_is_on_the_page(pool: PgPool) {
        let app = App::new(pool).await;
        let page = app.browser().get("/docs/api").await;
        assert_eq!(page.status, StatusCode::OK);
        for operation in openapi::operations(&openapi::document(&app.state.config)) {
            assert!(
                page.body.contains(&format!("id=\"{}\"", operation.id)),
                "{} is missing",
                operation.id
            );
        }
        assert!(
            page.body
                .contains("curl -X POST http://localhost:8080/api/v1/monitors"),
            "commands can be copied"
        );
        let ids: Vec<&str> = page
            .body
            .split("id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let distinct: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(
            ids.len(),
            distinct.len(),
            "every place on the page has a name of its own"
        );
        let links = page
            .body
            .split("href=\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        for link in links {
            assert!(ids.contains(&link), "#{link} leads nowhere");
        }
    }
}
