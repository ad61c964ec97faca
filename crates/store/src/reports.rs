//! Reads for pages and reports that join several tables.
