//! Logging of conversations, switched while the server runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, shape};
use crate::house::House;

/// Switch the log of one listener's conversations on or off.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProtocolLogRequest {
    /// The listener's name.
    pub listener: String,
    /// Whether conversations are logged from now on.
    pub on: bool,
}

pub fn answer(request: &ProtocolLogRequest, house: &House) -> Result<Value, Refusal> {
    if !house.set_protocol_log(&request.listener, request.on) {
        let names: Vec<&str> = house.listeners.iter().map(|listener| listener.name.as_str()).collect();
        let message = format!("there is no listener `{}`: there are {}", request.listener, names.join(", "));
        return Err(Refusal::Other(message));
    }
    shape(())
}
