//! The command line.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// What `--help` shows.
pub(crate) const HELP: &str = "\
Measures Livery beside what people use today.

usage: livery-benches [--livery PATH] [--python PATH] [--rounds N] [--dir DIR]
                      [pods] [cli] [transfer] [memory] [offers] [ledger] [metering]

  pods       a pod's first command, beside `docker run` of the same image
  cli        `livery pods`, beside `docker ps`
  transfer   20,000 small files and one of 2 GiB into a pod, beside rsync over ssh; twice
  memory     what an idle `livery serve` holds
  offers     a filter and a sort of 100,000 offers, beside pandas
  ledger     entries posted to the ledger, beside one INSERT per transaction
  metering   what charging 100,000 pods for a minute costs

  --livery   the binary to measure; target/release/livery by default
  --python   a python that has pandas; `offers` is measured alone without one
  --rounds   how often each competitor takes its turn; 20 by default, 3 for transfer
  --dir      where data is made and removed again, some 12 GB for transfer; /var/tmp by default";

/// What to measure and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Args {
    /// The binary to measure, absolute.
    pub livery: PathBuf,
    /// A python that has pandas.
    pub python: Option<PathBuf>,
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
    /// A search among offers.
    Offers,
    /// Entries of the ledger.
    Ledger,
    /// Charging many pods.
    Metering,
}

impl Args {
    /// Reads the arguments; `None` when help is asked for.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut args = Self {
            livery: PathBuf::from("target/release/livery"),
            python: None,
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
                "--python" => args.python = Some(value()?.into()),
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
            args.benches = ALL.iter().map(|(_, bench)| *bench).collect();
        }
        args.livery = std::path::absolute(&args.livery)?;
        let needs_it = args.benches.iter().any(|bench| bench.starts_servers());
        if needs_it && !args.livery.is_file() {
            bail!(
                "{} is missing: build it with `make build`, or name it by --livery",
                args.livery.display()
            );
        }
        Ok(Some(args))
    }
}

const ALL: [(&str, Bench); 7] = [
    ("pods", Bench::Pods),
    ("cli", Bench::Cli),
    ("transfer", Bench::Transfer),
    ("memory", Bench::Memory),
    ("offers", Bench::Offers),
    ("ledger", Bench::Ledger),
    ("metering", Bench::Metering),
];

impl Bench {
    fn named(name: &str) -> Result<Self> {
        let found = ALL.iter().find(|(known, _)| *known == name);
        match found {
            Some((_, bench)) => Ok(*bench),
            None => bail!("`{name}` is no measurement; --help lists them"),
        }
    }

    /// Returns whether it measures servers that it starts, which takes the binary and root.
    pub(crate) fn starts_servers(self) -> bool {
        match self {
            Self::Pods | Self::Cli | Self::Transfer | Self::Memory => true,
            Self::Offers | Self::Ledger | Self::Metering => false,
        }
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
        assert_eq!(parse("--livery /bin/sh").unwrap().unwrap().benches.len(), 7);
        // What is measured in this process needs no binary.
        let args = parse("--livery /nowhere/livery --python /bin/sh offers").unwrap();
        assert_eq!(args.unwrap().python, Some("/bin/sh".into()));
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
