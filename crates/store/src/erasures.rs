//! Table `erasures`.
