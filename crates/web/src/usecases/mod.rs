//! What a person or a program may do, once: the pages and the API are two rims of these.

pub mod change_email;
