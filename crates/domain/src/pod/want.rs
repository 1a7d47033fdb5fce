//! How what is wanted of a pod may change.

use super::{Desired, Phase, Pod};

/// Whether a wish changed the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It is to be stored.
    Changed,
    /// It is so already.
    AsBefore,
}

/// Why a pod cannot become what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// What is to be gone stays so.
    #[error("a terminated pod cannot come back; create a new one")]
    Terminated,
    /// A run ends its pod itself.
    #[error("it serves a run; cancel the run instead")]
    ServesRun,
    /// There is nothing left to stop or to start.
    #[error("it vanished with its disks; terminate it")]
    Lost,
    /// Its supplier still stops it: started now, it would go down a moment later.
    #[error("it is not down yet; start it again once it is stopped")]
    Stopping,
}

impl Pod {
    /// Takes in what the user wants, and refuses what makes no sense.
    pub fn want(&mut self, desired: Desired) -> Result<Wish, WishError> {
        match (self.desired, desired) {
            (Desired::Gone, Desired::Gone) | (Desired::Stopped, Desired::Stopped) => {
                return Ok(Wish::AsBefore);
            }
            (Desired::Gone, Desired::Running | Desired::Stopped) => {
                return Err(WishError::Terminated);
            }
            (Desired::Running | Desired::Stopped, Desired::Gone) => {}
            (Desired::Running, Desired::Stopped) => self.may_stop()?,
            (Desired::Stopped | Desired::Running, Desired::Running) => match self.may_start()? {
                Wish::Changed => {
                    self.started = None;
                    self.ruled = None;
                    self.starts = self.starts.saturating_add(1);
                }
                Wish::AsBefore => return Ok(Wish::AsBefore),
            },
        }
        self.desired = desired;
        Ok(Wish::Changed)
    }

    /// Takes in what a rule says instead of the user (a policy, an empty balance), with what it did
    /// and why in words for the user.
    ///
    /// # Errors
    /// As for [`Pod::want`]: a run ends its pod itself, and what vanished cannot be stopped.
    pub fn rule(&mut self, desired: Desired, words: &str) -> Result<Wish, WishError> {
        let wish = self.want(desired)?;
        if wish == Wish::Changed {
            self.ruled = Some(words.to_owned());
        }
        Ok(wish)
    }

    fn may_stop(&self) -> Result<(), WishError> {
        if self.run.is_some() {
            return Err(WishError::ServesRun);
        }
        match self.phase() {
            Phase::Lost => Err(WishError::Lost),
            Phase::Pending | Phase::Starting | Phase::Running | Phase::Exited => Ok(()),
            Phase::Stopping | Phase::Stopped | Phase::Terminating | Phase::Terminated => Ok(()),
        }
    }

    /// A pod whose command ended is started again, as `docker start` does.
    fn may_start(&self) -> Result<Wish, WishError> {
        match self.phase() {
            Phase::Stopped | Phase::Exited => Ok(Wish::Changed),
            Phase::Stopping => Err(WishError::Stopping),
            Phase::Lost => Err(WishError::Lost),
            Phase::Pending | Phase::Starting | Phase::Running => Ok(Wish::AsBefore),
            Phase::Terminating | Phase::Terminated => Err(WishError::Terminated),
        }
    }
}
