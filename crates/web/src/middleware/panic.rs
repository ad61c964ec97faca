//! A panic in a handler is a 500 and a line in the log; the process goes on.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::error::PageError;

/// The answer.
pub fn answer(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "no message".to_owned());
    PageError::internal(format!("a handler panicked: {text}")).into_response()
}
