//! Maintenance: the windows that people make (`maintenance_windows`) and the times that follow from
//! them (`maintenance_occurrences`), which are all that anybody else asks.

mod occurrences;
mod steps;
#[cfg(test)]
mod tests;
mod windows;

pub use occurrences::{
    Maintained, add, covering, delete_all, list_monitors, mark_begun, mark_over, replace,
};
pub use steps::{WaitingStep, list_steps, move_step};
pub use windows::{
    count, delete, delete_ended, find, insert, list, list_unplanned, set_planned, update,
};
