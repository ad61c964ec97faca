//! Table `api_keys`.
