//! Explores the interleavings of actors: before each step, which actor moves next or crashes.
//!
//! Depth-first and without stored states: each schedule is a list of choices, run from the start. Covers all schedules
//! with at most [`MAX_PREEMPTIONS`] preemptions, that is switches away from an actor that could have continued;
//! switches at an actor's end are free. Two preemptions reveal almost all races.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

pub(super) const MAX_PREEMPTIONS: usize = 2;

pub(super) type Actor<T> = Pin<Box<dyn Future<Output = T>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End<T> {
    Returned(T),
    Crashed,
}

/// One step of an actor: a future that is pending once.
#[derive(Default)]
pub(super) struct Step {
    taken: bool,
}

impl Future for Step {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.taken, true) {
            return Poll::Ready(());
        }
        // For a combinator that polls several steps and waits to be woken.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Runs `attempt` for every schedule and returns the number of schedules. `attempt` creates a new world and its actors,
/// calls [`Schedule::run`], and checks the result.
pub(super) fn explore(max_crashes: usize, mut attempt: impl FnMut(&mut Schedule)) -> usize {
    let (mut prefix, mut tried) = (Some(Vec::new()), 0);
    while let Some(choices) = prefix {
        let mut schedule = Schedule::new(choices, max_crashes);
        attempt(&mut schedule);
        tried += 1;
        prefix = schedule.next();
    }
    tried
}

/// The choices of one attempt: a given prefix, then always the first option.
pub(super) struct Schedule {
    prefix: Vec<usize>,
    made: Vec<(usize, usize)>,
    crashes_left: usize,
    preemptions_left: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Move {
    Step(usize),
    Crash(usize),
}

impl Schedule {
    fn new(prefix: Vec<usize>, max_crashes: usize) -> Self {
        let made = Vec::new();
        Self { prefix, made, crashes_left: max_crashes, preemptions_left: MAX_PREEMPTIONS }
    }

    /// The next schedule in depth-first order.
    fn next(mut self) -> Option<Vec<usize>> {
        while let Some((choice, options)) = self.made.pop() {
            if choice + 1 < options {
                let mut next: Vec<_> = self.made.iter().map(|(choice, _)| *choice).collect();
                next.push(choice + 1);
                return Some(next);
            }
        }
        None
    }

    fn choose(&mut self, options: &[Move]) -> Move {
        let choice = self.prefix.get(self.made.len()).copied().unwrap_or(0);
        self.made.push((choice, options.len()));
        options[choice]
    }

    /// Runs actors to their ends in the order of this schedule.
    pub(super) fn run<T: Copy>(&mut self, actors: Vec<Actor<T>>) -> Vec<End<T>> {
        let mut actors: Vec<_> = actors.into_iter().map(Some).collect();
        let mut ends: Vec<_> = actors.iter().map(|_| None).collect();
        let mut current = None;
        while actors.iter().any(Option::is_some) {
            let chosen = self.next_move(&actors, current);
            let (Move::Step(index) | Move::Crash(index)) = chosen;
            if current.is_some_and(|current: usize| current != index && actors[current].is_some()) {
                self.preemptions_left -= 1;
            }
            let end = match chosen {
                Move::Crash(_) => {
                    self.crashes_left -= 1;
                    Some(End::Crashed)
                }
                Move::Step(_) => match poll(actors[index].as_mut().unwrap()) {
                    Poll::Ready(result) => Some(End::Returned(result)),
                    Poll::Pending => None,
                },
            };
            if end.is_some() {
                actors[index] = None;
                ends[index] = end;
            }
            current = Some(index);
        }
        ends.into_iter().map(Option::unwrap).collect()
    }

    fn next_move<T>(&mut self, actors: &[Option<Actor<T>>], current: Option<usize>) -> Move {
        let alive = |index: &usize| actors[*index].is_some();
        let current = current.filter(alive);
        let others = (0..actors.len()).filter(alive).filter(|index| Some(*index) != current);
        let may_switch = current.is_none() || self.preemptions_left > 0;
        let others: Vec<_> = others.filter(|_| may_switch).collect();
        let mut moves: Vec<_> =
            current.iter().chain(&others).map(|index| Move::Step(*index)).collect();
        if self.crashes_left > 0 {
            moves.extend(current.iter().map(|index| Move::Crash(*index)));
        }
        self.choose(&moves)
    }
}

fn poll<T>(actor: &mut Actor<T>) -> Poll<T> {
    actor.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
