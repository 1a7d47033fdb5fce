//! A search among 100,000 offers, beside pandas, in which SkyPilot keeps and searches its catalogue.

use crate::args::Args;
use crate::market;
use crate::report::{Samples, table};
use anyhow::{Context, Result, bail, ensure};
use livery_domain::market::{Filter, Order, Shelf};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 10;

/// The searcher that is measured beside ours; it says itself what it does.
const PANDAS: &str = include_str!("offers.py");

/// A search, in our words; the other side knows it by its name.
struct Query {
    name: &'static str,
    filter: &'static str,
    order: &'static str,
    /// What is measured beside it.
    beside: &'static [&'static str],
}

/// Masks for the conditions, then a sort: the least there is to do in pandas.
const MASKS: &str = "masks";
/// What a listing of accelerators does besides, which is the same whatever is asked for.
const LISTING: &str = "listing";

const QUERIES: [Query; 3] = [
    Query {
        name: "narrow",
        filter: "gpu_ram>=24 reliability>0.95 price<0.5 region=EU",
        order: "price,-gpu_ram",
        beside: &[MASKS, LISTING],
    },
    Query {
        name: "everything",
        filter: "",
        order: "price",
        beside: &[MASKS],
    },
    Query {
        name: "nested",
        filter: "",
        order: "-gpu_ram,region,price",
        beside: &[MASKS],
    },
];

/// Prints how long a filter and a sort take, from the text of the filter to the rows in order.
pub(crate) fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let offers = market::offers();
    let begin = Instant::now();
    let rows = market::rows(&offers);
    let shelf = Shelf::new(&rows);
    println!(
        "offers: {} laid out for searching in {:.0?}",
        shelf.len(),
        begin.elapsed()
    );
    let mut pandas = match &args.python {
        Some(python) => {
            let file = directory.path().join("catalogue.csv");
            market::write_csv(&offers, &file)?;
            Some(Pandas::start(python, directory.path(), &file)?)
        }
        None => {
            println!("offers: without pandas, because no --python was given");
            None
        }
    };
    for query in &QUERIES {
        compare(
            query,
            &shelf,
            pandas.as_mut(),
            args.rounds.unwrap_or(ROUNDS),
        )?;
    }
    Ok(())
}

fn compare(
    query: &Query,
    shelf: &Shelf,
    mut pandas: Option<&mut Pandas>,
    rounds: usize,
) -> Result<()> {
    let mut ours = Samples::new("livery");
    let named = |way: &&str| Samples::new(format!("pandas, {way}"));
    let mut theirs: Vec<Samples> = query.beside.iter().map(named).collect();
    search(query, shelf)?;
    for _ in 0..rounds {
        let begin = Instant::now();
        let found = search(query, shelf)?;
        ours.push(begin.elapsed());
        let Some(pandas) = pandas.as_deref_mut() else {
            continue;
        };
        for (samples, way) in theirs.iter_mut().zip(query.beside) {
            let answer = pandas.ask(query.name, way)?;
            samples.push(answer.time);
            ensure!(
                answer.found == found,
                "pandas found {} offers, and we found {found}: these are not the same searches",
                answer.found
            );
        }
    }
    let title = format!("offers: `{}` by {}", query.filter, query.order);
    let theirs: Vec<&Samples> = theirs.iter().filter(|_| pandas.is_some()).collect();
    println!("{}", table(&title, &ours, &theirs));
    Ok(())
}

/// Returns how many were found.
fn search(query: &Query, shelf: &Shelf) -> Result<usize> {
    let filter = Filter::parse(query.filter)?;
    let order = Order::parse(query.order)?;
    Ok(black_box(shelf.search(&filter, &order)).len())
}

/// A Python that has the same offers in a data frame.
struct Pandas {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

struct Answer {
    time: Duration,
    found: usize,
}

impl Pandas {
    fn start(python: &Path, directory: &Path, catalogue: &Path) -> Result<Self> {
        let script = directory.join("offers.py");
        std::fs::write(&script, PANDAS)?;
        let mut child = Command::new(python)
            .arg(&script)
            .arg(catalogue)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let questions = child.stdin.take().context("no way to ask")?;
        let answers = BufReader::new(child.stdout.take().context("no way to hear")?);
        let mut pandas = Self {
            child,
            questions,
            answers,
        };
        // What is done only once is done before the first round.
        for query in &QUERIES {
            pandas.ask(query.name, MASKS)?;
        }
        Ok(pandas)
    }

    fn ask(&mut self, query: &str, way: &str) -> Result<Answer> {
        writeln!(self.questions, "{query} {way}")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the searcher with pandas ended: is pandas installed for this python?");
        }
        let mut words = line.split_whitespace();
        let mut number = || -> Result<u64> { Ok(words.next().context("no answer")?.parse()?) };
        Ok(Answer {
            time: Duration::from_nanos(number()?),
            found: usize::try_from(number()?)?,
        })
    }
}

impl Drop for Pandas {
    fn drop(&mut self) {
        // It only computes, and both calls fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
