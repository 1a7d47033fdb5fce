//! What the command line says beside a job file.

use crate::amounts::{self, Trouble};
use crate::read::{NEVER, check_env_name, check_env_value, job_name, volume_option};
use livery_domain::job::{Job, JobVolume};
use livery_domain::pod::{IdleAction, IdlePolicy};
use livery_domain::run::RunLimits;
use livery_units::Secret;
use std::collections::BTreeMap;

/// Values that win over those of the job file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// `--name`.
    name: Option<String>,
    /// `--env`.
    envs: BTreeMap<String, String>,
    /// `--secret`.
    secrets: BTreeMap<String, Secret<String>>,
    /// `--max-cost`, `--max-hours` and `--idle-after`.
    limits: RunLimits,
    /// `--network-volume`.
    volume: Option<JobVolume>,
}

/// Why an option cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// Its text is wrong in itself.
    #[error("--{option}: {message} ({hint})")]
    Bad {
        /// The option, without dashes.
        option: &'static str,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// It names a variable that this process does not have.
    #[error(
        "--{option} {name}: {name} is not set here (write --{option} {name}=VALUE, or export it)"
    )]
    NotSet {
        /// The option, without dashes.
        option: &'static str,
        /// The variable.
        name: String,
    },
}

impl Overrides {
    /// Makes overrides of values that are known already, as a submission carries them.
    pub fn of_values(
        envs: BTreeMap<String, String>,
        secrets: BTreeMap<String, Secret<String>>,
    ) -> Result<Self, OverrideError> {
        for (name, value) in &envs {
            check_env_name(name).map_err(bad("env"))?;
            check_env_value(value).map_err(bad("env"))?;
        }
        for (name, value) in &secrets {
            check_env_name(name).map_err(bad("secret"))?;
            check_env_value(value.expose()).map_err(bad("secret"))?;
        }
        Ok(Self {
            envs,
            secrets,
            ..Self::default()
        })
    }

    /// Returns the environment that was given.
    pub fn envs(&self) -> &BTreeMap<String, String> {
        &self.envs
    }

    /// Returns the secrets that were given.
    pub fn secrets(&self) -> &BTreeMap<String, Secret<String>> {
        &self.secrets
    }

    /// Returns the limits that were given.
    pub fn limits(&self) -> RunLimits {
        self.limits
    }

    /// Takes limits that are known already, as a submission carries them.
    pub fn set_limits(&mut self, limits: RunLimits) {
        self.limits = limits;
    }

    /// Returns the network volume that was given.
    pub fn volume(&self) -> Option<&JobVolume> {
        self.volume.as_ref()
    }

    /// Takes a network volume that is known already, as a submission carries it.
    pub fn set_volume(&mut self, volume: Option<JobVolume>) {
        self.volume = volume;
    }

    /// Takes `--network-volume NAME` or `--network-volume NAME:PATH`.
    pub fn add_volume(&mut self, text: &str) -> Result<(), OverrideError> {
        self.volume = Some(volume_option(text).map_err(bad("network-volume"))?);
        Ok(())
    }

    /// Takes `--max-cost DOLLARS`.
    pub fn set_max_cost(&mut self, text: &str) -> Result<(), OverrideError> {
        self.limits.max_total = Some(amounts::money(text).map_err(bad("max-cost"))?);
        Ok(())
    }

    /// Takes `--max-hours HOURS`, which may be a duration too.
    pub fn set_max_hours(&mut self, text: &str) -> Result<(), OverrideError> {
        self.limits.max_hours = Some(amounts::hours(text).map_err(bad("max-hours"))?);
        Ok(())
    }

    /// Takes `--idle-after SPAN` and what happens then, or `--idle-after never`.
    pub fn set_idle(&mut self, text: &str, action: IdleAction) -> Result<(), OverrideError> {
        if text == NEVER {
            self.limits.idle = Some(IdlePolicy::NEVER);
            return Ok(());
        }
        let after = amounts::duration(text).map_err(bad("idle-after"))?;
        self.limits.idle = Some(IdlePolicy { after, action });
        Ok(())
    }

    /// Takes `--name NAME`.
    pub fn set_name(&mut self, text: &str) -> Result<(), OverrideError> {
        self.name = Some(job_name(text).map_err(bad("name"))?);
        Ok(())
    }

    /// Takes `--env NAME=VALUE`, or `--env NAME` for the value that `here` has for it.
    pub fn add_env(
        &mut self,
        text: &str,
        here: impl Fn(&str) -> Option<String>,
    ) -> Result<(), OverrideError> {
        let (name, value) = variable("env", text, here)?;
        self.envs.insert(name, value);
        Ok(())
    }

    /// Takes `--secret NAME=VALUE`, or `--secret NAME` for the value that `here` has for it.
    pub fn add_secret(
        &mut self,
        text: &str,
        here: impl Fn(&str) -> Option<String>,
    ) -> Result<(), OverrideError> {
        let (name, value) = variable("secret", text, here)?;
        self.secrets.insert(name, Secret::new(value));
        Ok(())
    }

    /// Puts the values into the job; what it required and now has is required no longer.
    ///
    /// A name given as a secret is a secret, also if the file has it among its `envs`. A secret of
    /// the file stays one when its value is given with `--env`.
    pub fn apply(&self, job: &mut Job) {
        if let Some(name) = &self.name {
            job.name.clone_from(name);
        }
        job.budget.max_total = self.limits.max_total.or(job.budget.max_total);
        job.budget.max_hours = self.limits.max_hours.or(job.budget.max_hours);
        job.idle = self.limits.idle.or(job.idle);
        if let Some(volume) = &self.volume {
            job.volume = Some(volume.clone());
        }
        for (name, value) in &self.envs {
            let is_secret = job.required.secrets.contains(name) || job.secrets.contains_key(name);
            if is_secret {
                set_secret(job, name, Secret::new(value.clone()));
            } else {
                job.required.envs.remove(name);
                job.envs.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in &self.secrets {
            set_secret(job, name, value.clone());
        }
    }
}

fn set_secret(job: &mut Job, name: &str, value: Secret<String>) {
    job.envs.remove(name);
    job.required.envs.remove(name);
    job.required.secrets.remove(name);
    job.secrets.insert(name.to_owned(), value);
}

fn bad(option: &'static str) -> impl Fn(Trouble) -> OverrideError {
    move |Trouble { message, hint, .. }| OverrideError::Bad {
        option,
        message,
        hint,
    }
}

fn variable(
    option: &'static str,
    text: &str,
    here: impl Fn(&str) -> Option<String>,
) -> Result<(String, String), OverrideError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    check_env_name(name).map_err(bad(option))?;
    let not_set = || OverrideError::NotSet {
        option,
        name: name.to_owned(),
    };
    let value = value.or_else(|| here(name)).ok_or_else(not_set)?;
    check_env_value(&value).map_err(bad(option))?;
    Ok((name.to_owned(), value))
}
