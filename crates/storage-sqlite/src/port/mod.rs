//! The port's five parts. Each method hands its question to a reader or its request to the writer.

mod directory;
mod mail;
mod queue;
mod settings;
mod trail;
