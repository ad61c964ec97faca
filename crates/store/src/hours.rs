//! Table `hours`.
