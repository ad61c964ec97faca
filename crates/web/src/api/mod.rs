//! The REST API: the use cases behind JSON.
//!
//! [`gate`] does what holds for every request (key, rate, `Idempotency-Key`, the form of errors);
//! extractors read who asks ([`auth`]), the body ([`body`]), parameters ([`query`]) and ids ([`id`]),
//! each strictly; handlers in [`v1`] call one use case and answer one view. [`openapi`] is generated
//! from the handlers and held against the router by test.

pub mod auth;
pub mod body;
pub mod code;
pub mod csv;
pub mod etag;
pub mod gate;
pub mod gone;
pub mod id;
pub mod json;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod rate;
pub mod read_only;
pub mod v1;

use crate::routes::{Access, Route, Routes};

/// All routes of the API. Their table follows from the description.
pub fn routes() -> Routes {
    let (router, described) = v1::described().split_for_parts();
    let table = openapi::operations(&described)
        .into_iter()
        .map(|operation| Route {
            access: if operation.needs_key {
                Access::ApiKey
            } else {
                Access::Public
            },
            method: operation.method,
            path: operation.path,
        });
    Routes::new().merge_described(router, table.collect::<Vec<_>>())
}
