//! The parameters of MAIL and RCPT.
//!
//! ```text
//! Mail-parameters  = esmtp-param *( SP esmtp-param )
//! Rcpt-parameters  = esmtp-param *( SP esmtp-param )
//! esmtp-param      = esmtp-keyword [ "=" esmtp-value ]
//! esmtp-keyword    = ( ALPHA / DIGIT ) *( ALPHA / DIGIT / "-" )
//! esmtp-value      = 1*( %d33-60 / %d62-126 )        ; and UTF-8, RFC 6531 §3.3
//! ```
//! (RFC 5321 §4.1.2)

use posthouse_model::{Address, BodyType, ByMode, DeliverBy, DsnNotify, DsnReturn, HoldRequest, UnixMillis};

use super::{ByValue, CommandError, MailCommand, RcptCommand, parse_size};
use crate::limits::{BY_DIGITS, ENVELOPE_ID_BYTES, HOLD_DIGITS, ORIGINAL_RECIPIENT_BYTES, PARAMETERS_PER_COMMAND};
use crate::xtext;

/// Reads what follows the path of MAIL into `command`.
pub(super) fn mail(text: &str, command: &mut MailCommand) -> Result<(), CommandError> {
    each(text, |keyword, value| match keyword {
        "SIZE" => set(&mut command.size_bytes, value.and_then(parse_size)),
        "BODY" => set(&mut command.body_type, value.and_then(body_type)),
        "SMTPUTF8" => set_flag(&mut command.smtputf8, value),
        "REQUIRETLS" => set_flag(&mut command.require_tls, value),
        "HOLDFOR" => set(&mut command.hold, value.and_then(hold_for)),
        "HOLDUNTIL" => set(&mut command.hold, value.and_then(UnixMillis::from_rfc3339).map(HoldRequest::Until)),
        "BY" => set(&mut command.deliver_by, value.and_then(by_value)),
        "RET" => set(&mut command.dsn_return, value.and_then(dsn_return)),
        "ENVID" => set(&mut command.envelope_id, value.and_then(envelope_id)),
        "AUTH" => set(&mut command.auth, value.and_then(auth)),
        _ => Err(CommandError::UnknownParameter),
    })
}

/// Reads what follows the path of RCPT into `command`.
pub(super) fn rcpt(text: &str, command: &mut RcptCommand) -> Result<(), CommandError> {
    each(text, |keyword, value| match keyword {
        "NOTIFY" => set(&mut command.notify, value.and_then(notify)),
        "ORCPT" => set(&mut command.original, value.and_then(original_recipient)),
        _ => Err(CommandError::UnknownParameter),
    })
}

/// Calls `take` with each keyword, in upper case, and its value.
fn each(text: &str, mut take: impl FnMut(&str, Option<&str>) -> Result<(), CommandError>) -> Result<(), CommandError> {
    if text.is_empty() {
        return Ok(());
    }
    let text = text.strip_prefix(' ').ok_or(CommandError::BadParameterValue)?;
    // quirk: more than one space between parameters is let pass.
    for (count, parameter) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if count == PARAMETERS_PER_COMMAND {
            return Err(CommandError::UnknownParameter);
        }
        let (keyword, value) = match parameter.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (parameter, None),
        };
        take(&keyword.to_ascii_uppercase(), value)?;
    }
    Ok(())
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), CommandError> {
    let value = value.ok_or(CommandError::BadParameterValue)?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(CommandError::RepeatedParameter),
    }
}

fn set_flag(slot: &mut bool, value: Option<&str>) -> Result<(), CommandError> {
    if value.is_some() {
        return Err(CommandError::BadParameterValue);
    }
    if std::mem::replace(slot, true) { Err(CommandError::RepeatedParameter) } else { Ok(()) }
}

fn body_type(value: &str) -> Option<BodyType> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(BodyType::SevenBit),
        "8BITMIME" => Some(BodyType::EightBitMime),
        "BINARYMIME" => Some(BodyType::BinaryMime),
        _ => None,
    }
}

fn dsn_return(value: &str) -> Option<DsnReturn> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(DsnReturn::Full),
        "HDRS" => Some(DsnReturn::Headers),
        _ => None,
    }
}

/// `%x31-39 *8DIGIT` (RFC 4865 §3).
fn hold_for(value: &str) -> Option<HoldRequest> {
    let is_number = value.len() <= HOLD_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && !value.starts_with('0') { value.parse().ok().map(HoldRequest::For) } else { None }
}

/// ```text
/// by-value = by-time ";" by-mode [by-trace]
/// by-time  = ["-" / "+"]1*9digit     ; a negative or zero value is not allowed with a by-mode of "R"
/// ```
/// (RFC 2852 §4)
fn by_value(value: &str) -> Option<ByValue> {
    let (time, mode) = value.split_once(';')?;
    let (sign, digits) = match time.as_bytes().first()? {
        b'-' => (-1, &time[1..]),
        b'+' => (1, &time[1..]),
        _ => (1, time),
    };
    let is_number = (1..=BY_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if is_number { sign * digits.parse::<i64>().ok()? } else { return None };
    let (mode, trace) = DeliverBy::read_mode(mode)?;
    (mode == ByMode::Notify || seconds > 0).then_some(ByValue { seconds, mode, trace })
}

fn envelope_id(value: &str) -> Option<String> {
    let valid = !value.is_empty() && value.len() <= ENVELOPE_ID_BYTES && xtext::is_valid(value);
    valid.then(|| value.to_owned())
}

/// `AUTH=<>`, or an address in xtext (RFC 4954 §5).
fn auth(value: &str) -> Option<String> {
    let decoded = String::from_utf8(xtext::decode(value)?).ok()?;
    (decoded == "<>" || Address::parse(&decoded).is_ok()).then_some(decoded)
}

/// `"NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )` (RFC 3461 §4.1).
fn notify(value: &str) -> Option<DsnNotify> {
    let value = value.to_ascii_uppercase();
    if value == "NEVER" {
        return Some(DsnNotify::NEVER);
    }
    let mut notify = DsnNotify::NEVER;
    for word in value.split(',') {
        match word {
            "SUCCESS" => notify.success = true,
            "FAILURE" => notify.failure = true,
            "DELAY" => notify.delay = true,
            _ => return None,
        }
    }
    Some(notify)
}

/// `addr-type ";" xtext` (RFC 3461 §4.2). For the type `utf-8` the address has an encoding of its own (RFC 6533 §3),
/// whose characters we only check to be printable.
fn original_recipient(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';')?;
    let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_address = match kind.eq_ignore_ascii_case("utf-8") {
        true => address.chars().all(|c| !c.is_control() && !c.is_whitespace()),
        false => xtext::is_valid(address),
    };
    let valid = value.len() <= ORIGINAL_RECIPIENT_BYTES && is_kind && is_address && !address.is_empty();
    valid.then(|| value.to_owned())
}
