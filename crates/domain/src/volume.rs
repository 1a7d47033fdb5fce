//! Network volumes: storage that outlives pods, and the one function that decides what to do next.

use crate::counted::Counted;
use crate::offer::{SupplierName, words};
use livery_units::{AccountId, Bytes, HostId, Moment, MoneyError, Rate, Span, Timestamp, VolumeId};

/// The smallest network volume: below this there is no room for a journal.
pub const SMALLEST_VOLUME: Bytes = Bytes::mib(128);

/// How long an observation of a volume stands before its supplier is asked again.
pub const VOLUME_FRESH: Span = Span::from_secs(60);

/// Longest name of a volume.
const NAME_CHARS_MAX: usize = 63;

/// What the user wants of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeDesired {
    /// It should exist, at its size.
    Present,
    /// It should not, and neither should anything on it.
    Gone,
}

words!(
    VolumeDesired,
    "desired state of a volume",
    "present, gone",
    Present = "present",
    Gone = "gone"
);

/// What was last reported of a volume. "Unknown" is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeObserved {
    /// Nobody has answered yet.
    Unknown,
    /// Its supplier says that it does not exist.
    Absent,
    /// It exists at this size.
    Present(Bytes),
}

/// What is shown to the user, derived from what is wanted and what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumePhase {
    /// Accepted; not seen yet.
    Creating,
    /// There, at its size.
    Ready,
    /// There, and about to be larger.
    Growing,
    /// It was there, and its host says that it is not any more.
    Missing,
    /// Being removed.
    Deleting,
    /// Confirmed gone.
    Deleted,
}

words!(
    VolumePhase,
    "phase of a volume",
    "creating, ready, growing, missing, deleting, deleted",
    Creating = "creating",
    Ready = "ready",
    Growing = "growing",
    Missing = "missing",
    Deleting = "deleting",
    Deleted = "deleted"
);

/// What the reconciler should do next with a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeStep {
    /// Ask the supplier to make it.
    Create,
    /// Ask the supplier how it is.
    Observe,
    /// Ask the supplier to make it larger.
    Grow,
    /// Ask the supplier to remove it.
    Delete,
    /// It is as wanted; look again at that time, which is always still to come.
    Rest(Timestamp),
    /// It is gone, as wanted: settle the bill and close the row.
    Close,
}

/// A network volume as the control plane knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkVolume {
    /// Its id, which is committed before the supplier is called and is its name there.
    pub id: VolumeId,
    /// Who pays for it.
    pub account: AccountId,
    /// Unique among the account's volumes that are not gone.
    pub name: String,
    /// How large it should be.
    pub size: Bytes,
    /// Who provides it.
    pub supplier: SupplierName,
    /// The machine that it lies on; pods that use it are placed there.
    pub host: HostId,
    /// What a GB of it costs, as it was published when the volume was accepted.
    pub rate: Rate,
    /// What the user wants.
    pub desired: VolumeDesired,
    /// What was last seen.
    pub observed: VolumeObserved,
    /// Why it is not as wanted, in words for the user.
    pub reason: Option<String>,
    /// Attempts to make it that failed in a passing way.
    pub attempts: u32,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it was first seen to exist: from here on it is billed.
    pub began: Option<Timestamp>,
    /// Until when it is known to have existed, by its own count of time. Never later than what a supplier has confirmed, so an
    /// unreachable host costs its user nothing.
    pub kept_until: Option<Timestamp>,
    /// When it was confirmed gone.
    pub ended: Option<Timestamp>,
    /// When the supplier last answered about it, by the clock on the wall.
    pub observed_at: Option<Timestamp>,
    /// The same by its own count of time; none before there was such a count.
    pub counted: Option<Counted>,
    /// Fences writers: every change adds one.
    pub generation: i64,
}

/// Why a volume cannot be as asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// The name cannot be told apart from an id, or has odd characters.
    #[error(
        "`{0}` cannot be the name of a volume: it takes 1 to 63 letters, digits, `-`, `_` and `.`, \
         begins with a letter or digit, and does not begin with `vol_`"
    )]
    Name(String),
    /// It is too small for a file system.
    #[error("a volume of {0} is too small; the least is {SMALLEST_VOLUME}")]
    TooSmall(Bytes),
    /// What is on it might not fit any more.
    #[error("a volume of {has} cannot become smaller ({wanted}); it can only grow")]
    Shrinks {
        /// How large it is.
        has: Bytes,
        /// How large it was to be.
        wanted: Bytes,
    },
    /// It is not there to be changed.
    #[error("it is {0}")]
    Phase(VolumePhase),
}

/// Refuses names that users could not write or that look like ids.
///
/// # Errors
/// [`VolumeError::Name`].
pub fn check_volume_name(name: &str) -> Result<(), VolumeError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.chars().all(plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.starts_with("vol_");
    if good {
        return Ok(());
    }
    Err(VolumeError::Name(name.to_owned()))
}

/// Refuses sizes that no file system has.
///
/// # Errors
/// [`VolumeError::TooSmall`].
pub fn check_volume_size(size: Bytes) -> Result<(), VolumeError> {
    if size < SMALLEST_VOLUME {
        return Err(VolumeError::TooSmall(size));
    }
    Ok(())
}

/// Decides the next step for a volume, from what is wanted, what was seen and the time.
///
/// Making is repeated while nothing was seen: suppliers treat the id as one order however often it
/// comes. What was there and then vanished is never made again: its data is gone, and a user must
/// know.
pub fn plan_volume(volume: &NetworkVolume, now: Timestamp) -> VolumeStep {
    match (volume.desired, volume.observed) {
        (VolumeDesired::Present, VolumeObserved::Unknown | VolumeObserved::Absent)
            if volume.began.is_none() =>
        {
            VolumeStep::Create
        }
        (VolumeDesired::Present, VolumeObserved::Unknown) => VolumeStep::Observe,
        (VolumeDesired::Present, VolumeObserved::Present(size)) if size < volume.size => {
            VolumeStep::Grow
        }
        (VolumeDesired::Present, VolumeObserved::Present(_) | VolumeObserved::Absent) => {
            volume.look_again(now)
        }
        (VolumeDesired::Gone, VolumeObserved::Absent) => VolumeStep::Close,
        (VolumeDesired::Gone, VolumeObserved::Unknown | VolumeObserved::Present(_)) => {
            VolumeStep::Delete
        }
    }
}

impl NetworkVolume {
    /// Returns what is shown to the user.
    pub fn phase(&self) -> VolumePhase {
        match (self.desired, self.observed) {
            (VolumeDesired::Present, VolumeObserved::Unknown | VolumeObserved::Absent)
                if self.began.is_none() =>
            {
                VolumePhase::Creating
            }
            (VolumeDesired::Present, VolumeObserved::Absent) => VolumePhase::Missing,
            (VolumeDesired::Present, VolumeObserved::Present(size)) if size < self.size => {
                VolumePhase::Growing
            }
            (VolumeDesired::Present, VolumeObserved::Unknown | VolumeObserved::Present(_)) => {
                VolumePhase::Ready
            }
            (VolumeDesired::Gone, VolumeObserved::Absent) if self.ended.is_some() => {
                VolumePhase::Deleted
            }
            (
                VolumeDesired::Gone,
                VolumeObserved::Unknown | VolumeObserved::Absent | VolumeObserved::Present(_),
            ) => VolumePhase::Deleting,
        }
    }

    /// Returns what it costs now, at the size that it was seen to have; nothing while it does not exist.
    ///
    /// # Errors
    /// [`MoneyError`] when that is beyond what money can count.
    pub fn rate_now(&self) -> Result<Rate, MoneyError> {
        let size = match self.observed {
            VolumeObserved::Present(size) => size,
            VolumeObserved::Unknown => self.size,
            VolumeObserved::Absent => return Ok(Rate::FREE),
        };
        match self.began {
            Some(_) => self.rate.for_size(size),
            None => Ok(Rate::FREE),
        }
    }

    /// Refuses a volume that a pod cannot be made with now.
    ///
    /// # Errors
    /// [`VolumeError::Phase`] unless it is there.
    pub fn must_be_there(&self) -> Result<(), VolumeError> {
        match self.phase() {
            VolumePhase::Ready | VolumePhase::Growing => Ok(()),
            phase @ (VolumePhase::Creating
            | VolumePhase::Missing
            | VolumePhase::Deleting
            | VolumePhase::Deleted) => Err(VolumeError::Phase(phase)),
        }
    }

    /// Takes in a new size; returns whether anything changed.
    ///
    /// # Errors
    /// [`VolumeError`] for less than it has, and for a volume that is not there.
    pub fn grow(&mut self, size: Bytes) -> Result<crate::pod::Wish, VolumeError> {
        self.must_be_there()?;
        if size < self.size {
            return Err(VolumeError::Shrinks {
                has: self.size,
                wanted: size,
            });
        }
        if size == self.size {
            return Ok(crate::pod::Wish::AsBefore);
        }
        self.size = size;
        Ok(crate::pod::Wish::Changed)
    }

    /// Takes in what the supplier said at `at`. Its own count of time goes on by what has passed, also
    /// when a clock was set since the last look.
    pub fn saw(&mut self, observed: VolumeObserved, at: impl Into<Moment>) {
        let at = at.into();
        let counted = Counted::after(self.counted, at);
        self.observed = observed;
        self.observed_at = Some(at.wall);
        self.counted = Some(counted);
        let at = counted.own;
        match observed {
            VolumeObserved::Present(_) => {
                self.began = self.began.or(Some(at));
                self.kept_until = self.kept_until.max(Some(at));
                if self.desired == VolumeDesired::Present {
                    self.reason = None;
                }
            }
            VolumeObserved::Absent => {
                if self.desired == VolumeDesired::Present && self.began.is_some() {
                    let words = "its host says that it is not there any more, nor what was on it";
                    self.reason = Some(words.to_owned());
                }
            }
            VolumeObserved::Unknown => {}
        }
    }

    /// Returns what it costs at the size that it was last seen to have; nothing while it is not
    /// there.
    ///
    /// # Errors
    /// [`MoneyError`] when the product is beyond the range of money.
    pub fn price(&self) -> Result<Rate, MoneyError> {
        match self.observed {
            VolumeObserved::Present(size) => self.rate.for_size(size),
            VolumeObserved::Unknown | VolumeObserved::Absent => Ok(Rate {
                amount: livery_units::Money::ZERO,
                per: self.rate.per,
            }),
        }
    }

    /// Rests until what was seen is no longer fresh. An observation from the future says only that
    /// the clock was set back, so it is not fresh.
    fn look_again(&self, now: Timestamp) -> VolumeStep {
        match self.observed_at {
            Some(at) if at <= now && now.since(at) < VOLUME_FRESH => {
                VolumeStep::Rest(at.after(VOLUME_FRESH))
            }
            Some(_) | None => VolumeStep::Observe,
        }
    }
}
