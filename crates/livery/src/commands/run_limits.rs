//! The options of `livery run` that end a run before its time.

use crate::failure::Failure;
use livery_domain::pod::IdleAction;
use livery_jobfile::{OverrideError, Overrides};

/// What ends the run early; it wins over the job file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunLimitArgs {
    /// End the run before it has cost more than this
    #[arg(long, value_name = "DOLLARS")]
    max_cost: Option<String>,
    /// End the run when it has held a machine for so long: hours such as 8, or 1h30m
    #[arg(long, visible_aliases = ["terminate-after", "stop-after"], value_name = "HOURS")]
    max_hours: Option<String>,
    /// When nothing has gone on in its pod for so long, do what --idle-action says; `never` leaves it
    /// alone although the account has a rule
    #[arg(long, value_name = "SPAN")]
    idle_after: Option<String>,
    /// What to do with an idle run: remind or terminate [default: terminate]
    #[arg(long, value_name = "ACTION", value_parser = run_action, requires = "idle_after")]
    idle_action: Option<IdleAction>,
}

/// A run's pod cannot be stopped: the run ends it.
fn run_action(text: &str) -> Result<IdleAction, String> {
    match text.parse() {
        Ok(action @ (IdleAction::Remind | IdleAction::Terminate)) => Ok(action),
        Ok(IdleAction::Nothing) => Err("say `--idle-after never` instead".into()),
        Ok(IdleAction::Stop) => Err("a run cannot be stopped and go on; use `terminate`".into()),
        Err(error) => Err(error.to_string()),
    }
}

impl RunLimitArgs {
    /// Puts what was said into the overrides of a job file.
    ///
    /// # Errors
    /// When an amount is wrong in itself.
    pub fn apply(&self, overrides: &mut Overrides) -> Result<(), Failure> {
        let mistake = |why: OverrideError| Failure::mistake(why.to_string());
        if let Some(text) = &self.max_cost {
            overrides.set_max_cost(text).map_err(mistake)?;
        }
        if let Some(text) = &self.max_hours {
            overrides.set_max_hours(text).map_err(mistake)?;
        }
        if let Some(text) = &self.idle_after {
            let action = self.idle_action.unwrap_or(IdleAction::Terminate);
            overrides.set_idle(text, action).map_err(mistake)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: RunLimitArgs,
    }

    /// A pod's limits are those of every launch; that a run brings its results home first does not
    /// take any of them away.
    #[test]
    fn a_runs_time_is_limited_by_each_of_a_pods_names_for_it() {
        for name in ["--max-hours", "--terminate-after", "--stop-after"] {
            let line = Line::try_parse_from(["run", name, "1h30m"]).unwrap();
            assert_eq!(line.limits.max_hours.as_deref(), Some("1h30m"), "{name}");
        }
    }
}
