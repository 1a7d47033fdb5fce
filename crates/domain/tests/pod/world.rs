//! A model of a supplier: one machine at most per launch key, a clock, and every way to fail.

use livery_domain::pod::Observed;
use livery_units::{LaunchKey, Span, Timestamp};

/// What can go wrong.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The supplier does not answer for that long, and does nothing.
    Silence(Span),
    /// The next call is done, and its answer is lost.
    LoseNextAnswer,
    /// The next call is not done, and says nothing.
    ForgetNextAnswer,
    /// The pod's own command ends.
    CommandEnds,
    /// The machine dies; the supplier knows.
    MachineDies,
    /// The machine is gone without a trace.
    MachineVanishes,
}

/// How the supplier treats the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// It acts and answers.
    Well,
    /// It acts, and the answer is lost.
    ActsAndIsNotHeard,
    /// It does not act.
    NotAtAll,
}

/// No answer came: what was asked may have been done, or not.
#[derive(Debug)]
pub struct Silent;

/// What there is under a launch key.
#[derive(Debug, Clone)]
struct Machine {
    key: LaunchKey,
    foreign_id: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    StartingUntil(Timestamp),
    Up,
    StoppingUntil(Timestamp),
    Down,
    Lost,
    RemovingUntil(Timestamp),
}

/// The supplier and its only machine.
pub struct World {
    pub now: Timestamp,
    pub answering: Answering,
    /// Machines ever made.
    pub made: u32,
    /// Times that a launch was asked for.
    pub launch_calls: u32,
    /// Times that a command ended by itself.
    pub commands_ended: u32,
    /// Machines that died or vanished.
    pub losses: u32,
    machine: Option<Machine>,
    silent_until: Timestamp,
    delays: Vec<u64>,
    next_delay: usize,
}

impl World {
    pub fn new(delays: Vec<u64>) -> Self {
        let now = Timestamp::from_millis(1_000_000);
        Self {
            now,
            answering: Answering::Well,
            made: 0,
            launch_calls: 0,
            commands_ended: 0,
            losses: 0,
            machine: None,
            silent_until: now,
            delays,
            next_delay: 0,
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Span) {
        self.now = self.now.after(span);
        let now = self.now;
        let Some(machine) = &mut self.machine else {
            return;
        };
        match machine.state {
            State::StartingUntil(at) if now >= at => machine.state = State::Up,
            State::StoppingUntil(at) if now >= at => machine.state = State::Down,
            State::RemovingUntil(at) if now >= at => self.machine = None,
            State::StartingUntil(_) | State::StoppingUntil(_) | State::RemovingUntil(_) => {}
            State::Up | State::Down | State::Lost => {}
        }
    }

    pub fn suffer(&mut self, fault: Fault) {
        match (fault, &mut self.machine) {
            (Fault::Silence(span), _) => self.silent_until = self.now.after(span),
            (Fault::LoseNextAnswer, _) => self.answering = Answering::ActsAndIsNotHeard,
            (Fault::ForgetNextAnswer, _) => self.answering = Answering::NotAtAll,
            (Fault::CommandEnds, Some(machine)) if machine.state == State::Up => {
                machine.state = State::Down;
                self.commands_ended += 1;
            }
            (Fault::MachineDies, Some(machine)) => {
                machine.state = State::Lost;
                self.losses += 1;
            }
            (Fault::MachineVanishes, Some(_)) => {
                self.machine = None;
                self.losses += 1;
            }
            (Fault::CommandEnds | Fault::MachineDies | Fault::MachineVanishes, _) => {}
        }
    }

    /// From now on everything works.
    pub fn recover(&mut self) {
        self.answering = Answering::Well;
        self.silent_until = self.now;
    }

    pub fn machines(&self) -> usize {
        usize::from(self.machine.is_some())
    }

    pub fn is_up(&self) -> bool {
        let states = self.machine.as_ref().map(|machine| machine.state);
        matches!(states, Some(State::Up | State::StartingUntil(_)))
    }

    /// The same key again is the same machine.
    pub fn launch(&mut self, key: &LaunchKey) -> Result<String, Silent> {
        self.launch_calls += 1;
        self.call(|world| {
            if world.machine.is_none() {
                world.made += 1;
                let until = world.delayed();
                world.machine = Some(Machine {
                    key: key.clone(),
                    foreign_id: format!("machine-{}", world.made),
                    state: State::StartingUntil(until),
                });
            }
            world
                .machine
                .as_ref()
                .map(|machine| machine.foreign_id.clone())
        })
        .map(|id| id.expect("a launch made it"))
    }

    /// Finds what a launch key made.
    pub fn find(&mut self, key: &LaunchKey) -> Result<Option<String>, Silent> {
        self.call(|world| {
            let found = world.machine.as_ref().filter(|machine| machine.key == *key);
            found.map(|machine| machine.foreign_id.clone())
        })
    }

    pub fn observe(&mut self, foreign_id: &str) -> Result<Observed, Silent> {
        self.call(|world| match world.state_of(foreign_id) {
            None => Observed::Absent,
            Some(State::StartingUntil(_)) => Observed::Starting,
            Some(State::Up | State::StoppingUntil(_) | State::RemovingUntil(_)) => Observed::Up,
            Some(State::Down) => Observed::Down,
            Some(State::Lost) => Observed::Lost,
        })
    }

    pub fn stop(&mut self, foreign_id: &str) -> Result<(), Silent> {
        self.call(|world| {
            let until = world.delayed();
            if let Some(State::Up | State::StartingUntil(_)) = world.state_of(foreign_id) {
                world.set(State::StoppingUntil(until));
            }
        })
    }

    pub fn start(&mut self, foreign_id: &str) -> Result<(), Silent> {
        self.call(|world| {
            let until = world.delayed();
            if world.state_of(foreign_id) == Some(State::Down) {
                world.set(State::StartingUntil(until));
            }
        })
    }

    pub fn terminate(&mut self, foreign_id: &str) -> Result<(), Silent> {
        self.call(|world| {
            let until = world.delayed();
            match world.state_of(foreign_id) {
                None | Some(State::RemovingUntil(_)) => {}
                Some(State::StartingUntil(_) | State::StoppingUntil(_)) => {
                    world.set(State::RemovingUntil(until));
                }
                Some(State::Up | State::Down | State::Lost) => {
                    world.set(State::RemovingUntil(until));
                }
            }
        })
    }

    fn call<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> Result<T, Silent> {
        if self.now < self.silent_until {
            return Err(Silent);
        }
        match std::mem::replace(&mut self.answering, Answering::Well) {
            Answering::Well => Ok(act(self)),
            Answering::ActsAndIsNotHeard => {
                act(self);
                Err(Silent)
            }
            Answering::NotAtAll => Err(Silent),
        }
    }

    fn state_of(&self, foreign_id: &str) -> Option<State> {
        let machine = self.machine.as_ref();
        machine
            .filter(|machine| machine.foreign_id == foreign_id)
            .map(|machine| machine.state)
    }

    fn set(&mut self, state: State) {
        if let Some(machine) = &mut self.machine {
            machine.state = state;
        }
    }

    /// Every change takes another while, at most four seconds in the histories.
    fn delayed(&mut self) -> Timestamp {
        let delay = self.delays[self.next_delay % self.delays.len()];
        self.next_delay += 1;
        self.now.after(Span::from_millis(delay))
    }
}
