//! A clock that stands still until the test moves it.

use async_trait::async_trait;
use livery_engine::Clock;
use livery_units::{Span, Steady, Timestamp};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Simulated time. Sleepers go by time as it passes; what the engine reads is a clock on the wall,
/// which can be put forward and back meanwhile.
pub struct SimClock(Mutex<State>);

struct State {
    /// Milliseconds that have passed since the year began.
    passed: i64,
    /// What the wall clock shows more than that.
    offset: i64,
    next: u64,
    sleepers: BTreeMap<(i64, u64), Sleeper>,
}

struct Sleeper {
    span: Span,
    waker: Option<Waker>,
}

impl SimClock {
    /// Makes a clock that shows this many milliseconds since 1970.
    pub fn new(shows: i64) -> Self {
        Self(Mutex::new(State {
            passed: 0,
            offset: shows,
            next: 0,
            sleepers: BTreeMap::new(),
        }))
    }

    /// Milliseconds that have passed since the year began, whatever the wall clock shows.
    pub fn passed(&self) -> i64 {
        self.lock().passed
    }

    /// Puts the wall clock forward or back.
    pub fn jump(&self, millis: i64) {
        self.lock().offset += millis;
    }

    /// Lets time pass until then. Whoever has slept long enough is woken, but for those who meant to
    /// sleep for longer than `longest`: they come late, as they would on a busy machine.
    pub fn advance_to(&self, passed: i64, longest: Span) {
        let mut state = self.lock();
        state.passed = state.passed.max(passed);
        let not_yet = (state.passed + 1, 0);
        let later = state.sleepers.split_off(&not_yet);
        let due = std::mem::replace(&mut state.sleepers, later);
        let mut wakers = Vec::new();
        for (key, sleeper) in due {
            match sleeper.span <= longest {
                true => wakers.extend(sleeper.waker),
                false => drop(state.sleepers.insert(key, sleeper)),
            }
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets time pass until the first sleeper is due who sleeps for no longer than `longest`.
    pub fn advance_to_next(&self, longest: Span) {
        let state = self.lock();
        let mut short = state.sleepers.iter().filter(|(_, one)| one.span <= longest);
        let first = short.next().map(|((due, _), _)| *due);
        drop(state);
        if let Some(due) = first {
            self.advance_to(due, longest);
        }
    }

    /// How many are asleep.
    pub fn asleep(&self) -> usize {
        self.lock().sleepers.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let state = self.lock();
        Timestamp::from_millis(state.passed + state.offset)
    }

    fn steady(&self) -> Option<Steady> {
        Some(Steady {
            clock: 1,
            shows: Span::from_millis(self.passed().unsigned_abs()),
        })
    }

    async fn sleep(&self, span: Span) {
        let key = {
            let mut state = self.lock();
            state.next += 1;
            let key = (
                state.passed + i64::try_from(span.millis()).unwrap(),
                state.next,
            );
            let waker = None;
            state.sleepers.insert(key, Sleeper { span, waker });
            key
        };
        Sleep { clock: self, key }.await;
    }
}

/// One who sleeps; whoever stops waiting is forgotten.
struct Sleep<'a> {
    clock: &'a SimClock,
    key: (i64, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.clock.lock().sleepers.get_mut(&self.key) {
            Some(sleeper) => {
                sleeper.waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}
