//! The top of a job file.

use super::entries::entries;
use super::env::{self, Variables};
use super::{Findings, files, resources, texts, volumes};
use crate::amounts;
use crate::code::Code;
use crate::keys::{BUDGET, BudgetKey, GATE_COMMAND, GateKey, IDLE, IdleKey, JOB, JobKey};
use crate::tree::{Data, Entry, Node, Place, brief};
use livery_domain::job::{Alternatives, Budget, GateCommand, Job, Required};
use livery_domain::offer::Tier;
use livery_domain::pod::{IdleAction, IdlePolicy};
use livery_units::Secret;
use std::collections::BTreeMap;

/// A job with the places of what can still be wrong outside the file.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) job: Job,
    pub(crate) workdir_at: Option<Place>,
    /// Of each mount's source, in the order of the job's mounts.
    pub(crate) mounts_at: Vec<Place>,
    /// Of the names without a value.
    pub(crate) envs_at: BTreeMap<String, Place>,
    pub(crate) secrets_at: BTreeMap<String, Place>,
}

/// Reads the whole file; the result means something only if nothing was reported.
pub(crate) fn job(root: &Node, file_name: &str, findings: &mut Findings<'_>) -> Draft {
    let mut draft = empty(file_name);
    let (mut envs, mut secrets) = (Variables::default(), Variables::default());
    for (key, entry) in entries(root, &JOB, JobKey::ALL, findings) {
        match key {
            JobKey::Envs => envs = env::variables(&entry.value, findings),
            JobKey::Secrets => secrets = env::variables(&entry.value, findings),
            JobKey::Name
            | JobKey::Workdir
            | JobKey::NumNodes
            | JobKey::Resources
            | JobKey::FileMounts
            | JobKey::Volumes
            | JobKey::Setup
            | JobKey::Run
            | JobKey::Outputs
            | JobKey::Checkpoint
            | JobKey::Budget
            | JobKey::Idle
            | JobKey::Validate
            | JobKey::Tier
            | JobKey::Suppliers => part(key, entry, &mut draft, findings),
        }
    }
    env::check_disjoint(&envs, &secrets, findings);
    volumes::check(root, &draft.job, findings);
    draft.job.required = Required {
        envs: envs.open.keys().cloned().collect(),
        secrets: secrets.open.keys().cloned().collect(),
    };
    draft.job.envs = envs.values;
    let values = secrets.values.into_iter();
    draft.job.secrets = values
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    (draft.envs_at, draft.secrets_at) = (envs.open, secrets.open);
    draft
}

fn part(key: JobKey, entry: &Entry, draft: &mut Draft, findings: &mut Findings<'_>) {
    let value = &entry.value;
    let (at, text) = (&value.at, value.text());
    let job = &mut draft.job;
    match key {
        JobKey::Name => {
            if let Some(name) = findings.take(at, texts::name(text)) {
                job.name = name;
            }
        }
        JobKey::Workdir => {
            job.workdir = findings.take(at, texts::local_path(text));
            draft.workdir_at = Some(at.clone());
        }
        JobKey::NumNodes => one_node(at, text, findings),
        JobKey::Resources => job.resources = resources::resources(value, findings),
        JobKey::FileMounts => {
            (job.file_mounts, draft.mounts_at) = files::mounts(value, findings).into_iter().unzip();
        }
        JobKey::Volumes => job.volume = volumes::volume(value, findings),
        JobKey::Setup => job.setup = Some(text.to_owned()).filter(|text| !text.trim().is_empty()),
        JobKey::Run => job.run = command(at, text, findings),
        JobKey::Outputs => job.outputs = files::outputs(value, findings),
        JobKey::Checkpoint => job.checkpoint = files::checkpoint(value, findings),
        JobKey::Budget => job.budget = budget(value, findings),
        JobKey::Idle => job.idle = idle(value, findings),
        JobKey::Validate => {
            let check = |item: &Node| gate_command(item, findings);
            job.validate = value.items().iter().filter_map(check).collect();
        }
        JobKey::Tier => {
            // The shape let only the words through that parse.
            let tiers = value
                .items()
                .iter()
                .filter_map(|item| item.text().parse::<Tier>().ok());
            job.tiers = tiers.collect();
        }
        JobKey::Suppliers => {
            let name = |item: &Node| findings.take(&item.at, texts::supplier(item.text()));
            job.suppliers = value.items().iter().filter_map(name).collect();
        }
        // Read together, because the two must not share a name.
        JobKey::Envs | JobKey::Secrets => {}
    }
}

fn empty(file_name: &str) -> Draft {
    Draft {
        job: Job {
            name: texts::name_of_file(file_name),
            setup: None,
            run: String::new(),
            resources: Alternatives::default(),
            num_nodes: 1,
            workdir: None,
            file_mounts: Vec::new(),
            volume: None,
            envs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            required: Required::default(),
            validate: Vec::new(),
            budget: Budget::default(),
            idle: None,
            tiers: Vec::new(),
            suppliers: Vec::new(),
            outputs: Vec::new(),
            checkpoint: None,
        },
        workdir_at: None,
        mounts_at: Vec::new(),
        envs_at: BTreeMap::new(),
        secrets_at: BTreeMap::new(),
    }
}

fn one_node(at: &Place, text: &str, findings: &mut Findings<'_>) {
    if text.trim_start_matches(['+', '0']) != "1" {
        let message = format!(
            "a job runs on one machine, and this one asks for {}",
            brief(text)
        );
        let hint =
            "set `num_nodes: 1`, and ask for more GPUs in one machine: `accelerators: H100:8`";
        findings.report(Code::ManyNodes, at, message, hint);
    }
}

fn command(at: &Place, text: &str, findings: &mut Findings<'_>) -> String {
    if text.trim().is_empty() {
        let message = "there is no command here".to_owned();
        findings.report(
            Code::BadValue,
            at,
            message,
            "write what is to run, such as `python train.py`",
        );
    }
    text.to_owned()
}

fn budget(node: &Node, findings: &mut Findings<'_>) -> Budget {
    let mut budget = Budget::default();
    for (key, entry) in entries(node, &BUDGET, BudgetKey::ALL, findings) {
        let (at, text) = (&entry.value.at, entry.value.text());
        match key {
            BudgetKey::MaxHourly => budget.max_hourly = findings.take(at, amounts::money(text)),
            BudgetKey::MaxTotal => budget.max_total = findings.take(at, amounts::money(text)),
            BudgetKey::MaxHours => budget.max_hours = findings.take(at, amounts::hours(text)),
        }
    }
    budget
}

/// What leaves an idle run alone, whatever its account's rule is.
pub(crate) const NEVER: &str = "never";

/// A run that is idle is ended unless the file wants a reminder only.
fn idle(node: &Node, findings: &mut Findings<'_>) -> Option<IdlePolicy> {
    let (mut after, mut action) = (None, IdleAction::Terminate);
    for (key, entry) in entries(node, &IDLE, IdleKey::ALL, findings) {
        let (at, text) = (&entry.value.at, entry.value.text());
        match key {
            IdleKey::After if text == NEVER => return Some(IdlePolicy::NEVER),
            IdleKey::After => after = findings.take(at, amounts::duration(text)),
            // The shape let only words through that parse.
            IdleKey::Action => action = text.parse().unwrap_or(action),
        }
    }
    after.map(|after| IdlePolicy { after, action })
}

fn gate_command(node: &Node, findings: &mut Findings<'_>) -> Option<GateCommand> {
    let (mut name, mut run, mut timeout) = (None, None, None);
    match &node.data {
        Data::Scalar(scalar) => run = Some(command(&node.at, &scalar.text, findings)),
        Data::Map(_) | Data::List(_) => {
            for (key, entry) in entries(node, &GATE_COMMAND, GateKey::ALL, findings) {
                let (at, text) = (&entry.value.at, entry.value.text());
                match key {
                    GateKey::Name => name = Some(brief(text)).filter(|name| !name.is_empty()),
                    GateKey::Run => run = Some(command(at, text, findings)),
                    GateKey::Timeout => timeout = findings.take(at, amounts::duration(text)),
                }
            }
        }
    }
    let run = run?;
    Some(GateCommand {
        name: name.unwrap_or_else(|| brief(run.trim())),
        timeout: timeout.unwrap_or(GateCommand::DEFAULT_TIMEOUT),
        run,
    })
}
