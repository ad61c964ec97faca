//! The table of routes. A router can only be built through it, so every route says who may use it.

use std::convert::Infallible;

use axum::Router;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, on};
use http::Method;

use crate::state::AppState;

/// Who may use a route. The stranger matrix holds the router against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone; shows nothing of any account.
    Public,
    /// A signed-in person; shows only what belongs to that person.
    User,
    /// A member of the account in view; objects named in the path must be the account's own, and a
    /// stranger gets 404 for them.
    Tenant,
    /// A program with an API key; otherwise as [`Access::Tenant`].
    ApiKey,
    /// Whoever holds the token in the path or body.
    Token,
    /// A provider, proven by its signature.
    Provider,
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with `{parameters}`.
    pub path: String,
    /// Who may use it.
    pub access: Access,
}

/// A router together with its table.
#[derive(Debug, Default)]
pub struct Routes {
    table: Vec<Route>,
    router: Router<AppState>,
}

macro_rules! verb {
    ($name:ident, $method:ident) => {
        #[doc = concat!("Adds a ", stringify!($method), " route.")]
        #[must_use]
        pub fn $name<H, T>(self, path: &str, access: Access, handler: H) -> Self
        where
            H: Handler<T, AppState>,
            T: 'static,
        {
            self.add(
                Method::$method,
                MethodFilter::$method,
                path,
                access,
                handler,
            )
        }
    };
}

impl Routes {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    verb!(get, GET);
    verb!(post, POST);
    verb!(put, PUT);
    verb!(patch, PATCH);
    verb!(delete, DELETE);

    fn add<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &str,
        access: Access,
        handler: H,
    ) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.table.push(Route {
            method,
            path: path.to_owned(),
            access,
        });
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// Takes in another table.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    /// Takes in a router made elsewhere (the API's, generated with its description) with its table.
    #[must_use]
    pub fn merge_described(
        mut self,
        router: Router<AppState>,
        table: impl IntoIterator<Item = Route>,
    ) -> Self {
        self.table.extend(table);
        self.router = self.router.merge(router);
        self
    }

    /// Wraps the routes so far in a layer.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: tower::Layer<axum::routing::Route> + Clone + Send + Sync + 'static,
        L::Service: tower::Service<axum::extract::Request> + Clone + Send + Sync + 'static,
        <L::Service as tower::Service<axum::extract::Request>>::Response: IntoResponse + 'static,
        <L::Service as tower::Service<axum::extract::Request>>::Error: Into<Infallible> + 'static,
        <L::Service as tower::Service<axum::extract::Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    /// The table and the router.
    pub fn into_parts(self) -> (Vec<Route>, Router<AppState>) {
        (self.table, self.router)
    }
}
