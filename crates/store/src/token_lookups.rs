//! Table `token_lookups`.
