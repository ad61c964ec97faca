//! Table `account_messages`.
