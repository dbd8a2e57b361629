//! Whose turn it is among destinations.
//!
//! Destinations for which something is ready go round: each has one delivery started, and is asked again after the
//! others. One that has as many deliveries under way as its [`Window`] allows, or that rests, is in no round, and costs
//! nothing until it may go on.
//!
//! However many hosts are slow or do not answer, the others get through: those that could not be reached last time, or
//! took long, go round by themselves and have at most half of all deliveries; and a part of all deliveries is for
//! destinations that have none under way.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use posthouse_model::{Domain, UnixMillis};

use super::window::{Answers, Window};

/// Most destinations that are kept in mind. What is ready for others is looked for when there is a place again.
const MAX_PLACES: usize = 10_000;
/// Of them, those for which there is nothing to do, but of which something is known.
const MAX_IDLE_PLACES: usize = 1_000;
/// The part of all deliveries, one in so many, that destinations may have which could not be reached last time, or took
/// long.
const SUSPECTS_PART: usize = 2;
/// The part of all deliveries, one in so many, that is for destinations that have none under way.
const FIRSTS_PART: usize = 4;

/// The rounds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Of destinations that have nothing under way.
    First,
    /// Of those that have.
    Further,
    /// Of those that could not be reached last time, or took long.
    Suspect,
}

impl Round {
    const ALL: [Self; 3] = [Self::First, Self::Further, Self::Suspect];
}

/// What is known of a destination.
struct Place {
    window: Window,
    /// Deliveries under way.
    running: usize,
    /// Of them, begun when it could not be reached before.
    suspects: usize,
    /// Whether something may be ready for it.
    has_more: bool,
    /// Where it waits for its turn.
    ticket: Option<(Round, u64)>,
    rests_until: Option<UnixMillis>,
}

impl Place {
    fn may_begin(&self) -> bool {
        self.running < self.window.size() && self.rests_until.is_none()
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && !self.has_more && self.ticket.is_none() && self.rests_until.is_none()
    }
}

/// The destinations with something to do.
pub(super) struct Rounds {
    places: HashMap<Domain, Place>,
    /// Destinations by ticket, for each round.
    rounds: [BTreeMap<u64, Domain>; 3],
    next_ticket: u64,
    /// Where to look first for the next one.
    next_round: usize,
    resting: BTreeSet<(UnixMillis, Domain)>,
    idle: VecDeque<Domain>,
    /// Deliveries under way.
    running: usize,
    /// Of them, begun when the destination was suspect.
    suspects_running: usize,
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
            rounds: Default::default(),
            next_ticket: 0,
            next_round: 0,
            resting: BTreeSet::new(),
            idle: VecDeque::new(),
            running: 0,
            suspects_running: 0,
            deliveries,
            per_destination: per_destination.max(1),
        }
    }

    /// How many destinations are waiting for their turn.
    pub fn waiting(&self) -> usize {
        self.rounds.iter().map(BTreeMap::len).sum()
    }

    /// Something is ready for a destination. Tells whether there was a place to keep that in mind.
    pub fn notice(&mut self, destination: &Domain) -> bool {
        if !self.places.contains_key(destination) {
            if self.places.len() >= MAX_PLACES {
                return false;
            }
            let window = Window::new(self.per_destination);
            let place = Place { window, running: 0, suspects: 0, has_more: false, ticket: None, rests_until: None };
            self.places.insert(destination.clone(), place);
        }
        if let Some(place) = self.places.get_mut(destination) {
            place.has_more = true;
        }
        self.admit(destination);
        true
    }

    /// The next destination for which something may be started, and how many messages that may be. It counts as under
    /// way from now on.
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
        let destination = self.first_in_round()?;
        let place = self.places.get_mut(&destination)?;
        place.ticket = None;
        place.has_more = false;
        place.running += 1;
        self.running += 1;
        if place.window.is_suspect() {
            place.suspects += 1;
            self.suspects_running += 1;
        }
        Some((destination, place.window.messages()))
    }

    /// The rounds take turns, as far as they may have more.
    fn first_in_round(&mut self) -> Option<Domain> {
        let free = self.deliveries.saturating_sub(self.running);
        for step in 0..Round::ALL.len() {
            let round = Round::ALL[(self.next_round + step) % Round::ALL.len()];
            let may = match round {
                Round::First => true,
                Round::Further => free > self.deliveries / FIRSTS_PART,
                Round::Suspect => self.suspects_running < (self.deliveries / SUSPECTS_PART).max(1),
            };
            if may && let Some((_, destination)) = self.rounds[round as usize].pop_first() {
                self.next_round = (round as usize + 1) % Round::ALL.len();
                return Some(destination);
            }
        }
        None
    }

    /// A delivery to it, which [`Self::next`] gave, begins; something more may be ready.
    pub fn begin(&mut self, destination: &Domain, has_more: bool) {
        if let Some(place) = self.places.get_mut(destination) {
            place.has_more |= has_more;
        }
        self.admit(destination);
    }

    /// Nothing is begun for it, which [`Self::next`] gave, after all.
    pub fn pass_over(&mut self, destination: &Domain) {
        self.leave(destination);
        self.admit(destination);
        self.retire(destination);
    }

    /// Nothing is begun for it, which [`Self::next`] gave, before `until`, though something is ready.
    pub fn rest(&mut self, destination: &Domain, until: UnixMillis) {
        self.leave(destination);
        if let Some(place) = self.places.get_mut(destination) {
            place.has_more = true;
            self.lay_to_rest(destination, until);
        }
    }

    /// One delivery less is under way.
    fn leave(&mut self, destination: &Domain) {
        let Some(place) = self.places.get_mut(destination) else { return };
        place.running -= 1;
        self.running -= 1;
        if place.suspects > 0 {
            place.suspects -= 1;
            self.suspects_running -= 1;
        }
    }

    /// A delivery to it has ended.
    pub fn end(&mut self, destination: &Domain, answers: Answers, now: UnixMillis) {
        self.leave(destination);
        let Some(place) = self.places.get_mut(destination) else { return };
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
        self.admit(destination);
    }

    /// Puts a destination into the round where it belongs, or takes it out of all of them when nothing may be begun.
    fn admit(&mut self, destination: &Domain) {
        let Some(place) = self.places.get_mut(destination) else { return };
        let round = match (place.window.is_suspect(), place.running) {
            _ if !place.may_begin() || !place.has_more => None,
            (true, _) => Some(Round::Suspect),
            (false, 0) => Some(Round::First),
            (false, _) => Some(Round::Further),
        };
        if place.ticket.map(|(round, _)| round) == round {
            return;
        }
        if let Some((before, ticket)) = place.ticket.take() {
            self.rounds[before as usize].remove(&ticket);
        }
        if let Some(round) = round {
            place.ticket = Some((round, self.next_ticket));
            self.rounds[round as usize].insert(self.next_ticket, destination.clone());
            self.next_ticket += 1;
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
    const SERVED: Answers = Answers { served: 1, pushed_back: 0, unreachable: 0, slow: 0 };
    const LOST: Answers = Answers { served: 0, pushed_back: 0, unreachable: 1, slow: 0 };

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
        let mut started = start(&mut rounds, NOW, true);
        started.sort();
        assert_eq!(started, ["a", "a", "b", "b"]);
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
        let mut started = start(&mut rounds, after(1), true);
        started.sort();
        assert_eq!(started, ["good", "good", "s1", "s2"]);
        rounds.end(&domain("s1"), LOST, after(1));
        assert_eq!(start(&mut rounds, after(1), true), ["s3"]);
        rounds.end(&domain("s3"), SERVED, after(1));
        // One that answers is among the others again.
        assert_eq!(rounds.rounds[Round::First as usize].values().collect::<Vec<_>>(), [&domain("s3")]);
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
    fn a_part_is_for_destinations_that_have_nothing_under_way() {
        let mut rounds = Rounds::new(4, 4);
        rounds.notice(&domain("slow"));
        assert_eq!(start(&mut rounds, NOW, true), ["slow", "slow", "slow"]);
        rounds.notice(&domain("another"));
        assert_eq!(start(&mut rounds, NOW, true), ["another"]);
    }

    /// Whatever a batch takes, it counts before the batch is begun.
    #[test]
    fn suspects_have_their_part_only() {
        let mut rounds = Rounds::new(8, 2);
        let name = |number: usize| domain(&format!("d{number}"));
        for number in 0..8 {
            rounds.notice(&name(number));
            let (destination, _) = rounds.next(NOW).unwrap();
            rounds.end(&destination, LOST, NOW);
            rounds.notice(&name(number));
        }
        let mut given = 0;
        while rounds.next(after(1)).is_some() {
            given += 1;
        }
        assert_eq!(given, 4);
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
