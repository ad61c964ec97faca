//! Table `users`.
