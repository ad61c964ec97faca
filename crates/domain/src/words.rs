//! The words people read.
