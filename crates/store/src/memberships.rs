//! Table `memberships`.
