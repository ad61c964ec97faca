//! Table `wallets`.
