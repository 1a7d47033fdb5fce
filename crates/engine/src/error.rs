//! What a use-case can answer instead of what it was asked, each with a stable code and a hint.

use crate::credit::CreditError;
use livery_content::ContentError;
use livery_domain::offer::Offer;
use livery_domain::placement::Misfit;
use livery_units::Money;
use std::path::PathBuf;

/// A use-case failed. `Display` says what happened and why, [`Error::hint`] what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No pod of that id or name.
    #[error("there is no pod `{0}`")]
    PodNotFound(String),
    /// Several pods have that name.
    #[error("{count} pods are named `{name}`")]
    PodAmbiguous {
        /// The name.
        name: String,
        /// How many.
        count: usize,
    },
    /// The pod is not in a phase in which this can be done.
    #[error("pod {pod} is {phase}: {message}")]
    PodPhase {
        /// The pod.
        pod: String,
        /// Its phase.
        phase: String,
        /// Why that matters.
        message: String,
    },
    /// The pod serves a run, which ends it itself.
    #[error("pod {pod} serves run {run}, and ends with it")]
    ServesRun {
        /// The pod.
        pod: String,
        /// The run.
        run: String,
    },
    /// No offer meets the need.
    #[error("no offer fits{}", explain(.misfits))]
    NoOffer {
        /// The offers that there were, and why they did not do.
        misfits: Vec<(Offer, Misfit)>,
    },
    /// The order is wrong in itself.
    #[error("{0}")]
    Invalid(String),
    /// The image shows what is on the machine, and the account is not the owner's.
    #[error(
        "the image `{0}` is of the machine that runs the pod, and only the owner of the control plane \
         may use what is on it"
    )]
    OwnersImage(String),
    /// A login at a registry cannot be kept.
    #[error("{0}")]
    Registry(String),
    /// The account has not logged in at that registry.
    #[error("there is no login at registry `{0}`")]
    LoginNotFound(String),
    /// The owner's file with logins at registries cannot be used.
    #[error("{} cannot be used for logins at registries: {reason}", path.display())]
    DockerConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No orphan of that launch key or foreign id.
    #[error("there is no orphan `{0}`")]
    OrphanNotFound(String),
    /// No run of that id or name.
    #[error("there is no run `{0}`")]
    RunNotFound(String),
    /// The job file has mistakes; they are rendered.
    #[error("{0}")]
    JobFile(String),
    /// Files that the submission names were not uploaded.
    #[error("{} not uploaded", livery_units::counted(*.missing, "file of the job was", "files of the job were"))]
    ContentMissing {
        /// How many.
        missing: usize,
    },
    /// The account would keep more files here than it may.
    #[error("{0}")]
    ContentQuota(String),
    /// The run has no results.
    #[error("run {run} has no results: {why}")]
    NoResults {
        /// The run.
        run: String,
        /// Why not.
        why: String,
    },
    /// The run's budget is used up before anything is done.
    #[error("the budget is too small: {0}")]
    BudgetTooSmall(String),
    /// The account cannot pay for it.
    #[error("{} must be held and the balance is {}", needed.shown(), available.shown())]
    InsufficientFunds {
        /// What would be held.
        needed: Money,
        /// What there is.
        available: Money,
    },
    /// Something about money that has its own code.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// Something about network volumes that has its own code.
    #[error(transparent)]
    Volume(#[from] crate::volume::VolumeRefusal),
    /// It is at another control plane on the same database.
    #[error("{what} another control plane: {plane}")]
    Elsewhere {
        /// What, up to where it is.
        what: String,
        /// How people find that one.
        plane: String,
    },
    /// A host or supplier could not be reached or refused.
    #[error("{0}")]
    Unreachable(String),
    /// A question about prices has no answer.
    #[error(transparent)]
    Market(#[from] crate::market::MarketError),
    /// A channel's settings are wrong, or it did not take what was sent.
    #[error(transparent)]
    Notify(#[from] livery_notify::Error),
    /// No channel of that name.
    #[error("there is no channel `{0}`")]
    ChannelNotFound(String),
    /// There is a channel of that name.
    #[error("there is a channel `{0}` already")]
    ChannelExists(String),
    /// The control plane's database is away. Nothing that runs is hurt by that.
    #[error("the control plane cannot reach its database: {0}")]
    DatabaseAway(String),
    /// The control plane's disk is full.
    #[error("the control plane's disk is full: {0}")]
    DiskFull(String),
    /// The control plane's database has too much to do.
    #[error("the control plane's database is busy: {0}")]
    DatabaseBusy(String),
    /// The control plane's own records failed in another way.
    #[error("the control plane's own store failed: {0}")]
    Store(String),
}

impl Error {
    /// Returns the stable code; `docs/reference/errors.md` has a section for each.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PodNotFound(_) => "POD001",
            Self::PodAmbiguous { .. } => "POD002",
            Self::PodPhase { .. } => "POD003",
            Self::NoOffer { .. } => "POD004",
            Self::Invalid(_) => "POD005",
            Self::OwnersImage(_) => "POD006",
            Self::ServesRun { .. } => "POD007",
            Self::Registry(_) => "REG001",
            Self::LoginNotFound(_) => "REG002",
            Self::DockerConfig { .. } => "REG003",
            Self::OrphanNotFound(_) => "ORP001",
            Self::RunNotFound(_) => "RUN001",
            Self::JobFile(_) => "RUN002",
            Self::ContentMissing { .. } => "RUN003",
            Self::ContentQuota(_) => "CNT001",
            Self::NoResults { .. } => "RUN004",
            Self::BudgetTooSmall(_) => "RUN005",
            Self::InsufficientFunds { .. } => "MON001",
            Self::Credit(error) => error.code(),
            Self::Volume(error) => error.code(),
            Self::Unreachable(_) => "HST001",
            Self::Elsewhere { .. } => "HST002",
            Self::Market(error) => error.code(),
            Self::Notify(error) => error.code(),
            Self::ChannelNotFound(_) => "NTC006",
            Self::ChannelExists(_) => "NTC007",
            Self::Store(_) => "SRV001",
            Self::DatabaseAway(_) => "SRV002",
            Self::DiskFull(_) => "SRV003",
            Self::DatabaseBusy(_) => "SRV004",
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PodNotFound(_) => Some("`livery pods --all` lists every pod, ended ones too"),
            Self::PodAmbiguous { .. } => Some("use the pod's id, as `livery pods` shows it"),
            Self::ServesRun { .. } => Some(
                "`livery cancel RUN` brings home what there is of its results and ends the pod; `livery \
                 panic` ends everything without results",
            ),
            Self::NoOffer { .. } => Some("`livery offers` shows what there is"),
            Self::OwnersImage(_) => Some(
                "name one of a registry: `--image ubuntu:24.04`, or `image_id: ubuntu:24.04` in the \
                 job file (without one it is `host`)",
            ),
            Self::LoginNotFound(_) => Some("`livery registry list` shows the logins"),
            Self::DockerConfig { .. } => Some(
                "log in again with `docker login` or `livery registry login`, or remove the file",
            ),
            Self::OrphanNotFound(_) => Some("`livery orphans` lists what nobody owns"),
            Self::BudgetTooSmall(_) => Some(
                "raise it in the job file, or ask for less; `livery estimate JOB` compares prices",
            ),
            Self::RunNotFound(_) => Some("`livery runs` lists every run"),
            Self::ContentMissing { .. } => {
                Some("run `livery run` again: what is there already is not sent again")
            }
            Self::ContentQuota(_) => Some(
                "send less (`.skyignore` leaves files out), drop results of old runs (`livery results \
                 RUN --drop`), or ask the control plane's owner for `livery account set ACCOUNT \
                 --content-quota SIZE`; what was sent and not used for a day goes by itself",
            ),
            Self::NoResults { .. } => Some("`livery logs RUN` shows what the run printed"),
            Self::InsufficientFunds { .. } => Some("top the account up, or ask for less"),
            Self::Credit(error) => error.hint(),
            Self::Volume(error) => error.hint(),
            Self::Unreachable(_) => Some("try again; `livery doctor` checks this machine"),
            Self::Elsewhere { .. } => {
                Some("ask that one: `--server URL`, or on its machine `--socket PATH`")
            }
            Self::Market(error) => error.hint(),
            Self::Notify(error) => Some(error.hint()),
            Self::ChannelNotFound(_) => Some("`livery reminders list` shows the channels"),
            Self::ChannelExists(_) => Some(
                "remove it first with `livery reminders remove NAME`, or give another `--name`",
            ),
            Self::Store(_) => Some("the control plane's log has the details"),
            Self::DatabaseAway(_) => Some(
                "what runs goes on, and so does the control plane once the database answers: see to \
                 PostgreSQL, or to the network between the two",
            ),
            Self::DiskFull(_) => Some("make room on the control plane's machine, and try again"),
            Self::DatabaseBusy(_) => Some("try again in a moment"),
            Self::PodPhase { .. } => Some("`livery pods` shows in which phase each pod is"),
            Self::Invalid(_) | Self::Registry(_) | Self::JobFile(_) => None,
        }
    }
}

/// Names the first few offers with what is wrong with them.
pub(crate) fn explain(misfits: &[(Offer, Misfit)]) -> String {
    const SHOWN: usize = 4;
    if misfits.is_empty() {
        return ": nothing is on offer now; all of it is taken, or no host is connected".to_owned();
    }
    let describe =
        |(offer, why): &(Offer, Misfit)| format!("{} {}: {why}", offer.supplier, offer.id);
    let mut lines: Vec<String> = misfits.iter().take(SHOWN).map(describe).collect();
    if misfits.len() > SHOWN {
        lines.push(format!("and {} more", misfits.len() - SHOWN));
    }
    format!(" ({})", lines.join("; "))
}

impl From<livery_supplier::Error> for Error {
    fn from(error: livery_supplier::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<livery_host_api::Error> for Error {
    fn from(error: livery_host_api::Error) -> Self {
        use livery_host_api::Error as Host;
        match error {
            Host::Unreachable(_) | Host::Internal(_) => Self::Unreachable(error.to_string()),
            Host::NotFound(_) | Host::NoCapacity(_) | Host::Invalid(_) => {
                Self::Invalid(error.to_string())
            }
            Host::Image(_) | Host::WrongState(_) | Host::DiskFull(_) => {
                Self::Invalid(error.to_string())
            }
        }
    }
}

impl From<livery_store::Error> for Error {
    fn from(error: livery_store::Error) -> Self {
        match error {
            livery_store::Error::InsufficientFunds { needed, available } => {
                Self::InsufficientFunds { needed, available }
            }
            livery_store::Error::Unavailable(why) => Self::DatabaseAway(why),
            livery_store::Error::Full(why) => Self::DiskFull(why),
            livery_store::Error::Busy(why) => Self::DatabaseBusy(why),
            other => Self::Store(other.to_string()),
        }
    }
}

impl From<ContentError> for Error {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::DiskFull { .. } => Self::DiskFull(error.to_string()),
            ContentError::OverQuota { .. } | ContentError::TooManyBlobs => {
                Self::ContentQuota(error.to_string())
            }
            other => Self::Store(other.to_string()),
        }
    }
}
