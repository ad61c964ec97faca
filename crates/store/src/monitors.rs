//! Table `monitors`.
