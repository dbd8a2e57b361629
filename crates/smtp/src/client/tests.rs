//! Conversations of the client, with a script for the server and with our own server.

mod dialect;

mod connection;
mod deliver_by;
mod delivery;
mod loopback;
