//! The redacted evidence of a look.
