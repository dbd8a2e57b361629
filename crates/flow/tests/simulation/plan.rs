//! What a seed decides to happen: who sends what to whom and when, and what administrators do about it.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::ByMode;
use posthouse_storage::HeldMail;

use super::hosts::Manner;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;
/// How long a world lasts.
pub const DAYS: u64 = 10;
/// The domain of all who send.
pub const OURS: &str = "senders.example";
/// Who sends besides the one who sends much.
pub const SENDERS: u64 = 12;
/// Who sends much at once.
pub const BURST_SENDER: &str = "burst";
/// So many messages, in turns to two destinations that behave; everybody else sends one here and one there. It is enough
/// for each to come to its limit.
const BURST: u64 = 300;
/// Whom the burst goes to: one with a pace, and one without.
pub const BURST_TO: [u64; 2] = [0, 1];
/// Right after the burst others send so many, the first of them to where the burst goes.
const BESIDE: u64 = 20;
const BESIDE_TO_BURST: u64 = 4;
/// Longest that a message is to wait, and longest time within which one is to be delivered.
const LONGEST_WISH_SECONDS: u64 = 2 * DAY;

/// How large a world is.
#[derive(Clone, Copy)]
pub struct Size {
    pub destinations: u64,
    pub messages: u64,
}

/// Numbers that a seed decides (SplitMix64).
pub struct Chance(Mutex<u64>);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&self, parts: u64) -> bool {
        self.below(parts) == 0
    }

    /// A time within which something is wished.
    fn wish(&self) -> Duration {
        Duration::from_secs(MINUTE + self.below(LONGEST_WISH_SECONDS))
    }
}

/// A message to be sent.
#[derive(Clone)]
pub struct Letter {
    pub number: u64,
    /// The local part of its sender.
    pub sender: String,
    pub recipients: Vec<(String, Manner)>,
    pub is_in_burst: bool,
    /// How long it is to wait (RFC 4865).
    pub waits: Option<Duration>,
    /// Within which time it is to be delivered (RFC 2852).
    pub deliver_within: Option<(Duration, ByMode)>,
}

/// What somebody does.
pub enum Act {
    Send(Letter),
    /// An administrator holds back what there is of this message.
    Hold(u64),
    /// Lets it go on; what waits for its time goes at once.
    Release(u64),
    Drop(u64),
    /// The sender may not send any more.
    Freeze(String),
    /// It may again.
    Thaw(String, HeldMail),
}

pub fn domain_of(number: u64) -> String {
    format!("d{number}.example")
}

/// What is done in which second.
pub fn plan(chance: &Chance, size: Size, manners: &HashMap<String, Manner>) -> Vec<(u64, Act)> {
    let mut times: Vec<u64> = (0..size.messages).map(|_| chance.below(DAYS * DAY * 9 / 10)).collect();
    times.sort_unstable();
    let burst = chance.below(size.messages - BURST - BESIDE);
    // The burst comes at once, and right after it something of everybody else, as much of it as fits for its destination.
    let (from, to) = (burst as usize, (burst + BURST) as usize);
    let burst_at = times[from];
    times[from..to + BESIDE as usize].fill(burst_at);
    let (mut acts, mut steering) = (Vec::new(), Vec::new());
    for (number, second) in (0..).zip(times) {
        let letter = match (burst..burst + BURST).contains(&number) {
            true => burst_letter(chance, number, manners),
            false => {
                let is_beside = (burst + BURST..burst + BURST + BESIDE_TO_BURST).contains(&number);
                ordinary_letter(chance, number, is_beside, size, manners)
            }
        };
        if !letter.is_in_burst {
            steer(chance, &letter, second, &mut steering);
        }
        acts.push((second, Act::Send(letter)));
    }
    acts.extend(steering);
    // While some of the burst is under way.
    let frozen_at = burst_at + 1 + chance.below(20);
    freeze(frozen_at, BURST_SENDER.to_owned(), 10 * MINUTE + chance.below(6 * HOUR), HeldMail::GoesOn, &mut acts);
    for sender in (0..SENDERS).step_by(4) {
        let at = chance.below(DAYS * DAY * 8 / 10);
        let held = if chance.one_in(4) { HeldMail::IsDropped } else { HeldMail::GoesOn };
        freeze(at, format!("user{sender}"), HOUR + chance.below(DAY), held, &mut acts);
    }
    // What is done in one second is done in this order.
    acts.sort_by_key(|(second, _)| *second);
    acts
}

/// Some of the burst is to be there so soon that its time is over while it is under way, or about to be.
fn burst_letter(chance: &Chance, number: u64, manners: &HashMap<String, Manner>) -> Letter {
    Letter {
        number,
        sender: BURST_SENDER.to_owned(),
        recipients: vec![recipient(number, 0, burst_to(number), manners)],
        is_in_burst: true,
        waits: None,
        deliver_within: chance.one_in(3).then(|| (Duration::from_secs(2 + chance.below(90)), ByMode::Return)),
    }
}

fn ordinary_letter(
    chance: &Chance,
    number: u64,
    is_beside: bool,
    size: Size,
    manners: &HashMap<String, Manner>,
) -> Letter {
    let destination = |at| if is_beside && at == 0 { burst_to(number) } else { chance.below(size.destinations) };
    let count = 1 + chance.below(4);
    let mut recipients: Vec<_> = (0..count).map(|at| recipient(number, at, destination(at), manners)).collect();
    if chance.one_in(8) {
        recipients.push((format!("user{}@{OURS}", chance.below(SENDERS)), Manner::Ours));
    }
    let mode = if chance.one_in(2) { ByMode::Return } else { ByMode::Notify };
    Letter {
        number,
        sender: format!("user{}", chance.below(SENDERS)),
        recipients,
        is_in_burst: false,
        waits: (!is_beside && chance.one_in(6)).then(|| chance.wish()),
        deliver_within: (!is_beside && chance.one_in(5)).then(|| (chance.wish(), mode)),
    }
}

fn burst_to(number: u64) -> u64 {
    BURST_TO[number as usize % BURST_TO.len()]
}

fn recipient(number: u64, at: u64, destination: u64, manners: &HashMap<String, Manner>) -> (String, Manner) {
    let domain = domain_of(destination);
    (format!("u{number}-{at}@{domain}"), manners[&domain])
}

/// What an administrator does with a message.
fn steer(chance: &Chance, letter: &Letter, sent: u64, acts: &mut Vec<(u64, Act)>) {
    let number = letter.number;
    if let Some(waits) = letter.waits.filter(|_| chance.one_in(5)) {
        acts.push((sent + waits.as_secs() / 2, Act::Release(number)));
    }
    if !chance.one_in(8) {
        return;
    }
    // Before it is tried, or while it comes again and again.
    let held = sent + if chance.one_in(2) { 0 } else { chance.below(2 * DAY) };
    acts.push((held, Act::Hold(number)));
    let later = held + MINUTE + chance.below(3 * DAY);
    match chance.below(6) {
        0 => {}
        1 => acts.push((later, Act::Drop(number))),
        _ => acts.push((later, Act::Release(number))),
    }
}

fn freeze(at: u64, sender: String, seconds: u64, held: HeldMail, acts: &mut Vec<(u64, Act)>) {
    acts.push((at, Act::Freeze(sender.clone())));
    acts.push((at + seconds, Act::Thaw(sender, held)));
}
