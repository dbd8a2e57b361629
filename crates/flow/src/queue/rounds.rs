//! Whose turn it is among destinations.
//!
//! Destinations for which something is ready go round: each has one delivery started, and is asked again after the
//! others. One that has as many deliveries under way as its [`Window`] allows, or that rests, is not in the round, and
//! costs nothing until it may go on. Those that could not be reached last time go round by themselves, and have at most
//! half of all deliveries: however many hosts do not answer, the others get through.

use std::collections::{BTreeSet, HashMap, VecDeque};

use posthouse_model::{Domain, UnixMillis};

use super::window::{Answers, Window};

/// Most destinations that are kept in mind. What is ready for others is looked for when there is a place again.
const MAX_PLACES: usize = 10_000;
/// Of them, those for which there is nothing to do, but of which something is known.
const MAX_IDLE_PLACES: usize = 1_000;
/// The part of all deliveries, one in so many, that destinations may have which could not be reached last time.
const SUSPECTS_PART: usize = 2;

/// What is known of a destination.
struct Place {
    window: Window,
    /// Deliveries under way.
    running: usize,
    /// Of them, begun when it could not be reached before.
    suspects: usize,
    /// Whether something may be ready for it.
    has_more: bool,
    is_in_round: bool,
    rests_until: Option<UnixMillis>,
}

impl Place {
    fn may_begin(&self) -> bool {
        self.running < self.window.size() && self.rests_until.is_none()
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && !self.has_more && !self.is_in_round && self.rests_until.is_none()
    }
}

/// The destinations with something to do.
pub(super) struct Rounds {
    places: HashMap<Domain, Place>,
    /// Each at most once.
    round: VecDeque<Domain>,
    /// The same of those that could not be reached last time.
    suspect_round: VecDeque<Domain>,
    resting: BTreeSet<(UnixMillis, Domain)>,
    idle: VecDeque<Domain>,
    /// Deliveries under way to those that could not be reached before.
    suspects_running: usize,
    is_suspects_turn: bool,
    /// Most deliveries at once.
    deliveries: usize,
    /// Of them, to one destination.
    per_destination: usize,
}

impl Rounds {
    /// With so many deliveries at once, and of them so many to one destination.
    pub fn new(deliveries: usize, per_destination: usize) -> Self {
        Self {
            places: HashMap::new(),
            round: VecDeque::new(),
            suspect_round: VecDeque::new(),
            resting: BTreeSet::new(),
            idle: VecDeque::new(),
            suspects_running: 0,
            is_suspects_turn: false,
            deliveries,
            per_destination: per_destination.max(1),
        }
    }

    /// How many destinations are waiting for their turn.
    pub fn waiting(&self) -> usize {
        self.round.len() + self.suspect_round.len()
    }

    /// Something is ready for a destination. Tells whether there was a place to keep that in mind.
    pub fn notice(&mut self, destination: &Domain) -> bool {
        if !self.places.contains_key(destination) {
            if self.places.len() >= MAX_PLACES {
                return false;
            }
            let window = Window::new(self.per_destination);
            let place =
                Place { window, running: 0, suspects: 0, has_more: false, is_in_round: false, rests_until: None };
            self.places.insert(destination.clone(), place);
        }
        if let Some(place) = self.places.get_mut(destination) {
            place.has_more = true;
        }
        self.admit(destination);
        true
    }

    /// The next destination for which something may be started, and how many messages that may be.
    pub fn next(&mut self, now: UnixMillis) -> Option<(Domain, usize)> {
        while let Some((at, _)) = self.resting.first()
            && *at <= now
            && let Some((_, destination)) = self.resting.pop_first()
        {
            if let Some(place) = self.places.get_mut(&destination) {
                place.rests_until = None;
            }
            self.admit(&destination);
            self.retire(&destination);
        }
        loop {
            let destination = self.first_in_round()?;
            let Some(place) = self.places.get_mut(&destination) else { continue };
            place.is_in_round = false;
            if place.may_begin() {
                place.has_more = false;
                return Some((destination, place.window.messages()));
            }
        }
    }

    fn first_in_round(&mut self) -> Option<Domain> {
        let allowed = (self.deliveries / SUSPECTS_PART).max(1);
        let may_suspect = self.suspects_running < allowed && !self.suspect_round.is_empty();
        let first = match may_suspect && (self.is_suspects_turn || self.round.is_empty()) {
            true => self.suspect_round.pop_front(),
            false => self.round.pop_front(),
        }?;
        self.is_suspects_turn = !self.is_suspects_turn;
        Some(first)
    }

    /// A delivery to it begins; something more may be ready.
    pub fn begin(&mut self, destination: &Domain, has_more: bool) {
        if let Some(place) = self.places.get_mut(destination) {
            place.running += 1;
            if place.window.is_suspect() {
                place.suspects += 1;
                self.suspects_running += 1;
            }
            place.has_more |= has_more;
        }
        self.admit(destination);
    }

    /// Nothing was ready for it after all.
    pub fn pass_over(&mut self, destination: &Domain) {
        self.retire(destination);
    }

    /// Nothing is started for it before `until`, though something is ready.
    pub fn rest(&mut self, destination: &Domain, until: UnixMillis) {
        if let Some(place) = self.places.get_mut(destination) {
            place.has_more = true;
            self.lay_to_rest(destination, until);
        }
    }

    /// A delivery to it has ended.
    pub fn end(&mut self, destination: &Domain, answers: Answers, now: UnixMillis) {
        let Some(place) = self.places.get_mut(destination) else { return };
        place.running -= 1;
        let was_suspect = place.suspects > 0;
        if was_suspect {
            place.suspects -= 1;
            self.suspects_running -= 1;
        }
        if let Some(rest) = place.window.learn(answers, self.per_destination) {
            self.lay_to_rest(destination, now + rest);
        }
        self.admit(destination);
        self.retire(destination);
    }

    /// When the first rest is over.
    pub fn next_rested(&self) -> Option<UnixMillis> {
        self.resting.first().map(|(at, _)| *at)
    }

    fn lay_to_rest(&mut self, destination: &Domain, until: UnixMillis) {
        let Some(place) = self.places.get_mut(destination) else { return };
        if let Some(before) = place.rests_until.replace(until) {
            self.resting.remove(&(before, destination.clone()));
        }
        self.resting.insert((until, destination.clone()));
    }

    /// Puts a destination into the round, if it may go on and there is something to do.
    fn admit(&mut self, destination: &Domain) {
        let Some(place) = self.places.get_mut(destination) else { return };
        if !place.may_begin() || !place.has_more || place.is_in_round {
            return;
        }
        place.is_in_round = true;
        match place.window.is_suspect() {
            true => self.suspect_round.push_back(destination.clone()),
            false => self.round.push_back(destination.clone()),
        }
    }

    /// Forgets a destination for which there is nothing to do, in time.
    fn retire(&mut self, destination: &Domain) {
        let Some(place) = self.places.get(destination).filter(|place| place.is_idle()) else { return };
        if place.window.is_new(self.per_destination) {
            self.places.remove(destination);
            return;
        }
        self.idle.push_back(destination.clone());
        if self.idle.len() > MAX_IDLE_PLACES
            && let Some(oldest) = self.idle.pop_front()
            && self.places.get(&oldest).is_some_and(Place::is_idle)
        {
            self.places.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const SERVED: Answers = Answers { served: 1, pushed_back: 0, unreachable: 0 };
    const LOST: Answers = Answers { served: 0, pushed_back: 0, unreachable: 1 };

    fn domain(name: &str) -> Domain {
        Domain::parse(&format!("{name}.example")).unwrap()
    }

    fn after(seconds: i64) -> UnixMillis {
        UnixMillis(NOW.0 + seconds * 1000)
    }

    /// Starts one delivery each, as long as something may be started.
    fn start(rounds: &mut Rounds, now: UnixMillis, has_more: bool) -> Vec<String> {
        let mut started = Vec::new();
        while let Some((destination, _)) = rounds.next(now)
            && started.len() < 100
        {
            rounds.begin(&destination, has_more);
            started.push(destination.as_str().trim_end_matches(".example").to_owned());
        }
        started
    }

    #[test]
    fn destinations_go_round_up_to_their_windows() {
        let mut rounds = Rounds::new(100, 2);
        for name in ["a", "b", "a"] {
            assert!(rounds.notice(&domain(name)));
        }
        assert_eq!(start(&mut rounds, NOW, true), ["a", "b", "a", "b"]);
        rounds.end(&domain("a"), SERVED, NOW);
        assert_eq!(start(&mut rounds, NOW, false), ["a"]);
        rounds.end(&domain("a"), SERVED, NOW);
        rounds.end(&domain("a"), SERVED, NOW);
        assert_eq!(start(&mut rounds, NOW, false), [""; 0]);
        rounds.notice(&domain("a"));
        assert_eq!(start(&mut rounds, NOW, false), ["a"]);
    }

    #[test]
    fn what_rests_comes_again_in_time() {
        let mut rounds = Rounds::new(100, 2);
        rounds.notice(&domain("a"));
        let (a, _) = rounds.next(NOW).unwrap();
        rounds.rest(&a, after(5));
        rounds.notice(&domain("a"));
        assert_eq!((rounds.next(after(4)), rounds.next_rested()), (None, Some(after(5))));
        assert_eq!(rounds.next(after(5)), Some((domain("a"), 2)));
        assert_eq!(rounds.next_rested(), None);
    }

    #[test]
    fn those_that_do_not_answer_leave_room_for_others() {
        let mut rounds = Rounds::new(4, 2);
        let names = ["s1", "s2", "s3", "s4"];
        for name in names {
            rounds.notice(&domain(name));
        }
        assert_eq!(start(&mut rounds, NOW, false), names);
        for name in names {
            rounds.end(&domain(name), LOST, NOW);
            rounds.notice(&domain(name));
        }
        assert_eq!(start(&mut rounds, NOW, false), [""; 0]);
        rounds.notice(&domain("good"));
        // At most half of the four deliveries.
        assert_eq!(start(&mut rounds, after(1), true), ["good", "s1", "good", "s2"]);
        rounds.end(&domain("s1"), LOST, after(1));
        assert_eq!(start(&mut rounds, after(1), true), ["s3"]);
        rounds.end(&domain("s3"), SERVED, after(1));
        rounds.end(&domain("s2"), LOST, after(1));
        // One that answers is among the others again.
        assert_eq!(rounds.round, [domain("s3")]);
        assert_eq!(start(&mut rounds, after(1), false), ["s4", "s3"]);
    }

    #[test]
    fn one_attempt_speaks_for_many_messages_where_nobody_answers() {
        let mut rounds = Rounds::new(4, 2);
        rounds.notice(&domain("a"));
        assert_eq!(start(&mut rounds, NOW, false), ["a"]);
        rounds.end(&domain("a"), LOST, NOW);
        rounds.notice(&domain("a"));
        assert!(rounds.next(after(1)).unwrap().1 > 100);
    }

    #[test]
    fn only_so_many_are_kept_in_mind() {
        let mut rounds = Rounds::new(4, 2);
        let name = |number: usize| domain(&format!("d{number}"));
        for number in 0..MAX_PLACES {
            assert!(rounds.notice(&name(number)));
        }
        assert!(!rounds.notice(&domain("one-more")));
        assert!(rounds.notice(&name(5)));
        for _ in 0..MAX_PLACES {
            let (destination, _) = rounds.next(NOW).unwrap();
            rounds.begin(&destination, false);
            rounds.end(&destination, LOST, NOW);
        }
        assert!(rounds.next(after(60)).is_none());
        assert_eq!(rounds.places.len(), MAX_IDLE_PLACES);
        assert!(rounds.notice(&domain("one-more")));
    }

    #[test]
    fn of_whom_nothing_is_known_nothing_is_kept() {
        let mut rounds = Rounds::new(4, 2);
        rounds.notice(&domain("a"));
        let (destination, _) = rounds.next(NOW).unwrap();
        rounds.pass_over(&destination);
        assert!(rounds.places.is_empty() && rounds.idle.is_empty());
    }
}
