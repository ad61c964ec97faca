//! Table `idempotency`.
