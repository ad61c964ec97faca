//! What the operator configured, as opposed to what users name.

/// A setting of the operator: the address policy does not bind it.
///
/// Constructible by [`Trusted::from_operator_configuration`] alone, which only `app::config` may
/// call: a text that came in by a request or out of the database is never trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted<T>(T);

impl<T> Trusted<T> {
    /// Wraps a value that was read from the operator's own configuration.
    pub const fn from_operator_configuration(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// A part of it, trusted like the whole.
    pub fn map<U>(self, part: impl FnOnce(T) -> U) -> Trusted<U> {
        Trusted(part(self.0))
    }
}
