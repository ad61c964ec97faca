//! Table `outbox`.
