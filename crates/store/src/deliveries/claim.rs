//! Claiming, sending and recording a delivery.
