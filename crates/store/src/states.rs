//! Table `states`.
