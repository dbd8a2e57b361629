//! Clocks, transcripts, fake DNS, faulty storage and real-peer helpers for tests

pub mod transcript;
