//! On-call schedules (`schedules`) and who stands in when (`schedule_overrides`).

mod overrides;
mod schedules;
#[cfg(test)]
mod tests;

pub use overrides::{
    count_overrides, delete_override, find_override, forget_in_overrides, insert_override,
    list_overrides, list_overrides_of_all,
};
pub use schedules::{count, delete, delete_all, find, insert, list, list_known, update};
