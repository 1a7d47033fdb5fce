//! What all rounds came to.

use crate::place::Place;
use crate::round::Round;
use crate::strike::Target;
use crate::trouble::Kind;
use livery_domain::run::{Outcome, RunStep};
use livery_units::Span;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What all rounds came to.
#[derive(Default)]
pub struct Report {
    rounds: u32,
    runs: usize,
    /// By whom, and in which step of how many runs.
    by_step: BTreeMap<(Target, Option<usize>), u32>,
    by_place: BTreeMap<(Target, Place), u32>,
    troubles: BTreeMap<Kind, u32>,
    failed_starts: u32,
    outcomes: BTreeMap<String, u32>,
    longest_teardown: Option<(Span, String)>,
    failures: Vec<String>,
}

impl Report {
    /// Adds what came of a round.
    pub fn add(&mut self, round: Round) {
        self.rounds += 1;
        self.runs += round.runs.len();
        self.failed_starts += round.failed_starts;
        for kind in round.troubles {
            *self.troubles.entry(kind).or_default() += 1;
        }
        for kill in &round.kills {
            *self.by_place.entry((kill.target, round.place)).or_default() += 1;
            let steps = round.runs.iter().filter_map(|run| run.step_at(kill));
            let mut columns: Vec<Option<usize>> = steps.map(column).collect();
            if columns.is_empty() {
                columns.push(None);
            }
            for column in columns {
                *self.by_step.entry((kill.target, column)).or_default() += 1;
            }
        }
        for run in round.runs {
            let how = match (run.outcome, run.reason) {
                (Outcome::Failed, Some(why)) => format!("failed: {}", kind_of(&why)),
                (outcome, _) => outcome.to_string(),
            };
            *self.outcomes.entry(how).or_default() += 1;
            let longest = self.longest_teardown.as_ref().map(|(span, _)| *span);
            if longest.is_none_or(|longest| run.teardown > longest) {
                let whose = format!("{} in round {}", run.id, round.number);
                self.longest_teardown = Some((run.teardown, whose));
            }
        }
        self.failures.extend(
            round
                .failure
                .map(|why| format!("round {}: {why}", round.number)),
        );
    }

    /// Returns whether every round went well.
    pub fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    /// Writes it all down.
    pub fn table(&self, seed: u64, took: Duration) -> String {
        let kills: u32 = self.by_place.values().sum();
        let mut text = format!(
            "{kills} kills in {} rounds with {} runs, {} s, LIVERY_SOAK_SEED={seed}\n\n",
            self.rounds,
            self.runs,
            took.as_secs()
        );
        self.write(&mut text).unwrap();
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let places: Vec<String> = Place::ALL.iter().map(ToString::to_string).collect();
        heading(text, "kills by place", &places)?;
        for target in Target::ALL {
            let counts = Place::ALL.map(|place| self.by_place.get(&(target, place)));
            line(text, &target.to_string(), &places, &counts)?;
        }
        let mut steps: Vec<String> = RunStep::ALL.iter().map(ToString::to_string).collect();
        steps.push("no run".to_owned());
        writeln!(text)?;
        heading(text, "by a run's step", &steps)?;
        for target in Target::ALL {
            let columns = (0..RunStep::ALL.len()).map(Some).chain([None]);
            let counts = columns.map(|column| self.by_step.get(&(target, column)));
            line(
                text,
                &target.to_string(),
                &steps,
                &counts.collect::<Vec<_>>(),
            )?;
        }
        writeln!(text)?;
        for (kind, name) in [
            (Kind::DiskFull, "the disk was full"),
            (Kind::DatabaseFrozen, "the database stood still"),
            (Kind::DatabaseStopped, "the database was stopped"),
        ] {
            writeln!(
                text,
                "{:>5} times {name}",
                self.troubles.get(&kind).unwrap_or(&0)
            )?;
        }
        writeln!(
            text,
            "{:>5} starts failed meanwhile, and were tried again",
            self.failed_starts
        )?;
        writeln!(text, "\nhow runs ended")?;
        for (how, count) in &self.outcomes {
            writeln!(text, "{count:>5} {how}")?;
        }
        if let Some((span, whose)) = &self.longest_teardown {
            writeln!(text, "\nlongest teardown: {} ms ({whose})", span.millis())?;
        }
        match self.failures.as_slice() {
            [] => writeln!(text, "left on the machine: nothing"),
            failures => writeln!(text, "\nFAILED\n{}", failures.join("\n\n")),
        }
    }
}

/// Returns a reason without what is only of one run: what is in parentheses, and ids.
fn kind_of(reason: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for c in reason.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    let word = |word: &str| match word.split_once('_') {
        Some((kind, rest)) if rest.len() >= 16 => format!("{kind}_…"),
        Some(_) | None => word.to_owned(),
    };
    kept.split_whitespace()
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn column(step: RunStep) -> Option<usize> {
    RunStep::ALL.iter().position(|one| *one == step)
}

/// Columns are as wide as their headings.
fn heading(text: &mut String, what: &str, columns: &[String]) -> std::fmt::Result {
    writeln!(text, "{what:<16}  {}", columns.join("  "))
}

fn line(
    text: &mut String,
    name: &str,
    columns: &[String],
    counts: &[Option<&u32>],
) -> std::fmt::Result {
    write!(text, "{name:<16}")?;
    for (column, count) in columns.iter().zip(counts) {
        let count = count.map_or("-".to_owned(), ToString::to_string);
        write!(text, "  {count:>width$}", width = column.len())?;
    }
    writeln!(text)
}
