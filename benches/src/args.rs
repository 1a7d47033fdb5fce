//! The command line.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// What `--help` shows.
pub(crate) const HELP: &str = "\
Measures Livery beside what people use today.

usage: livery-benches [--livery PATH] [--rounds N] [--dir DIR] [pods] [cli] [transfer] [memory]

  pods       a pod's first command, beside `docker run` of the same image
  cli        `livery pods`, beside `docker ps`
  transfer   20,000 small files and one of 2 GiB into a pod, beside rsync over ssh; twice
  memory     what an idle `livery serve` holds

  --livery   the binary to measure; target/release/livery by default
  --rounds   how often each competitor takes its turn; 20 by default, 3 for transfer
  --dir      where data is made and removed again, some 12 GB for transfer; /var/tmp by default";

/// What to measure and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Args {
    /// The binary to measure, absolute.
    pub livery: PathBuf,
    /// How often, when the user says so.
    pub rounds: Option<usize>,
    /// Where data is made.
    pub dir: PathBuf,
    /// What to measure, in order.
    pub benches: Vec<Bench>,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bench {
    /// The first command of a pod.
    Pods,
    /// The command line's answer.
    Cli,
    /// Files into a pod.
    Transfer,
    /// Memory of an idle server.
    Memory,
}

impl Args {
    /// Reads the arguments; `None` when help is asked for.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut args = Self {
            livery: PathBuf::from("target/release/livery"),
            rounds: None,
            dir: PathBuf::from("/var/tmp"),
            benches: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word.as_str() {
                "-h" | "--help" => return Ok(None),
                "--livery" => args.livery = value()?.into(),
                "--dir" => args.dir = value()?.into(),
                "--rounds" => {
                    let count = value()?;
                    let count = count.parse().ok().filter(|&count| count > 0);
                    args.rounds = Some(count.context("--rounds needs a number above 0")?);
                }
                name => args.benches.push(Bench::named(name)?),
            }
        }
        if args.benches.is_empty() {
            args.benches = vec![Bench::Pods, Bench::Cli, Bench::Transfer, Bench::Memory];
        }
        args.livery = std::path::absolute(&args.livery)?;
        if !args.livery.is_file() {
            bail!(
                "{} is missing: build it with `make build`, or name it by --livery",
                args.livery.display()
            );
        }
        Ok(Some(args))
    }
}

impl Bench {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "pods" => Self::Pods,
            "cli" => Self::Cli,
            "transfer" => Self::Transfer,
            "memory" => Self::Memory,
            _ => bail!("`{name}` is no measurement; --help lists them"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Args>> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn names_and_values_are_read() {
        let args = parse("--livery /bin/sh --rounds 7 cli pods")
            .unwrap()
            .unwrap();
        assert_eq!(args.benches, [Bench::Cli, Bench::Pods]);
        assert_eq!(args.rounds, Some(7));
        assert_eq!(parse("--livery /bin/sh").unwrap().unwrap().benches.len(), 4);
        assert_eq!(parse("pods --help").unwrap(), None);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("--livery /bin/sh podz", "podz"),
            ("--rounds 0", "above 0"),
            ("--rounds", "needs a value"),
            ("--livery /nowhere/livery", "is missing"),
        ] {
            assert!(
                parse(line).unwrap_err().to_string().contains(part),
                "{line}"
            );
        }
    }
}
