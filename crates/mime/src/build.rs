//! Writing header fields and delivery reports. Dates, identifiers and boundaries are arguments.

pub mod field;
pub mod report;
