//! The store as a whole, on disks that fail and with segments that are small.

mod backup;
mod changes;
mod compaction;
mod copies;
mod earlier;
mod encryption;
mod encryption_attacks;
mod faults;
mod faulty_disk;
mod large_bodies;
mod migrations;
mod quotas;
mod secrets;
mod verify;
mod world;
