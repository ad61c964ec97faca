//! A posted form, read field by field. Every value is text until its handler parses it, so a value of
//! the wrong kind is that handler's error at that field and never a bare 400.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{Method, header};

use crate::error::PageError;

/// The fields of a form, in the order they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// One thing that is wrong with a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name; the form's `id="{field}"`.
    pub field: String,
    /// A sentence that names the field.
    pub message: String,
}

/// All that is wrong with a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormErrors(Vec<FieldError>);

impl FormErrors {
    /// Nothing wrong.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a sentence at a field; the first one at a field stays.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        if self.at(field).is_none() {
            self.0.push(FieldError {
                field: field.to_owned(),
                message: message.into(),
            });
        }
    }

    /// One error alone.
    #[must_use]
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, for the summary.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }

    /// The sentence at a field.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.message.as_str())
    }
}

impl<'a> IntoIterator for &'a FormErrors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Fields {
    /// Reads `name=value&…`.
    pub fn parse(body: &[u8]) -> Self {
        Self(
            url::form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The value of a field, blanks at both ends dropped; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value of a field as it was sent; for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The value, unless it is empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// Every value of a field that may be sent several times, empty ones left out.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(field, value)| field == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// A checkbox is ticked.
    pub fn flag(&self, name: &str) -> bool {
        !matches!(self.text(name), "" | "0" | "false" | "off")
    }

    /// The field was sent at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What is wrong with any form: characters that no field takes. Start your own errors from it.
    pub fn errors(&self) -> FormErrors {
        let mut errors = FormErrors::new();
        for (name, value) in &self.0 {
            if value
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            {
                errors.add(
                    name,
                    "This field has a control character in it. Type it again.",
                );
            } else if value.contains('\u{fffd}') {
                errors.add(name, "This field is not valid text (UTF-8). Type it again.");
            }
        }
        errors
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        if request.method() == Method::GET || request.method() == Method::HEAD {
            return Ok(Self::parse(
                request.uri().query().unwrap_or_default().as_bytes(),
            ));
        }
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let is_form = kind.split(';').next().is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let has_kind = !kind.is_empty();
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
                    PageError::TooLarge
                } else {
                    PageError::BadRequest(
                        "The form was cut off on its way. Send it again.".to_owned(),
                    )
                }
            })?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        if has_kind && !is_form {
            return Err(PageError::BadRequest(
                "This address takes a form (application/x-www-form-urlencoded). For JSON use /api/v1.".to_owned(),
            ));
        }
        Ok(Self::parse(&body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_name() {
        let fields = Fields::parse(b"name=+Shop+&tag=a&tag=&tag=b&on=1&off=0");
        assert_eq!(
            (fields.text("name"), fields.raw("name"), fields.text("none")),
            ("Shop", " Shop ", "")
        );
        assert_eq!(fields.all("tag"), ["a", "b"]);
        assert!(fields.flag("on") && !fields.flag("off") && !fields.flag("none"));
        assert_eq!(fields.optional("none"), None);
        assert!(fields.errors().is_empty());
    }

    #[test]
    fn what_no_field_takes_is_named() {
        for body in [&b"name=a%00b"[..], b"name=%ff", b"name=a%1bb"] {
            let errors = Fields::parse(body).errors();
            assert!(errors.at("name").is_some(), "{body:?}");
        }
        assert!(
            Fields::parse("name=a\u{202e}b%0d%0a&emoji=%F0%9F%94%94".as_bytes())
                .errors()
                .is_empty()
        );
    }
}
