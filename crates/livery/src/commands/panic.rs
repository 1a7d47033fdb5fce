//! `livery panic`

use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::{out, print_json, say, style::Style, warn};
use livery_api::dto::{Fate, Panic, PanicReport, Thing, ThingKind, Unknown, Volumes, Which};
use livery_api::{Client, Error};
use livery_units::{Span, counted};
use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

/// End everything of yours, everywhere, now: runs without their results, pods with their disks.
///
/// At a terminal it asks first; a script is not asked. Network volumes are data: they are kept, with a
/// word on what they go on costing, unless `--volumes` is given. Prints a line for each thing as soon as
/// it is confirmed gone. Exits with 1 when something is not confirmed in the end; the control plane goes
/// on ending it, also without this command, and the command may be given again at any time. A machine
/// that is kept because its launch key is not known here makes it 1 too: it may be yours.
#[derive(Debug, clap::Args)]
pub struct PanicArgs {
    /// Do not ask whether that is meant
    #[arg(short, long)]
    yes: bool,
    /// Delete network volumes too, with all that is on them; with `--unknown` also those on your
    /// hosts that are not known here
    #[arg(long)]
    volumes: bool,
    /// End machines too whose launch key is not known here, and with `--volumes` delete network
    /// volumes that are not; another control plane may own them
    #[arg(long)]
    unknown: bool,
    /// How long to wait for everything to be confirmed
    #[arg(long, value_name = "SPAN", default_value = "2m")]
    wait: Span,
    /// Print what became of everything as JSON, at the end
    #[arg(long)]
    json: bool,
}

/// How often it is looked how far everything is: at first, and after a while.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(2);

/// Runs the command.
pub async fn run(args: PanicArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    let panic = Panic {
        since: None,
        volumes: match args.volumes {
            true => Volumes::End,
            false => Volumes::Keep,
        },
        unknown: match args.unknown {
            true => Unknown::End,
            false => Unknown::Keep,
        },
    };
    if !args.yes && std::io::stdin().is_terminal() && !is_meant(&client, &panic).await? {
        say("nothing was ended");
        return Ok(Ending::BadNews);
    }
    let mut watch = Watch {
        panic,
        print: if args.json { Print::Json } else { Print::Lines },
        said: BTreeSet::new(),
        last: None,
    };
    tokio::select! {
        over = watch.follow(client, settings, args.wait) => over?,
        // What was asked for stays asked for.
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    watch.conclude()
}

/// Says what would end, and asks.
async fn is_meant(client: &Client, panic: &Panic) -> anyhow::Result<bool> {
    let runs = client.runs(Which::Live).await?.runs.len();
    let pods = client.pods(Which::Live).await?.pods.len();
    say(&format!(
        "This ends everything of yours, everywhere, now: {} whose results are not brought home, and {} \
         with all that is on the disks. {}",
        counted(runs, "run", "runs"),
        counted(pods, "pod", "pods"),
        reach(panic.volumes, panic.unknown)
    ));
    let mut stderr = std::io::stderr();
    write!(stderr, "Go on? Write yes: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

/// Says what becomes of the network volumes, and of what is not known here.
fn reach(volumes: Volumes, unknown: Unknown) -> &'static str {
    match (volumes, unknown) {
        (Volumes::Keep, Unknown::Keep) => "Network volumes are kept.",
        (Volumes::End, Unknown::Keep) => "Network volumes are deleted.",
        (Volumes::Keep, Unknown::End) => {
            "Network volumes are kept. Machines that are not known here are ended too, also those that \
             another control plane may own."
        }
        (Volumes::End, Unknown::End) => {
            "Network volumes are deleted. What is not known here goes too, also what another control \
             plane may own: machines, and every network volume on your hosts with all that is on it."
        }
    }
}

/// How the things are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Print {
    /// A line for each, when it is gone.
    Lines,
    /// All at the end.
    Json,
}

/// A panic that is followed.
struct Watch {
    panic: Panic,
    print: Print,
    said: BTreeSet<(ThingKind, String)>,
    last: Option<PanicReport>,
}

impl Watch {
    /// Asks again and again until nothing waits any more or the time is over. A control plane that
    /// went away is started again where that is allowed: it knows what is to end.
    async fn follow(
        &mut self,
        mut client: Client,
        settings: &Settings,
        most: Span,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut rest = LOOK_FIRST;
        loop {
            match client.panic(&self.panic).await {
                Ok(report) => {
                    self.take_in(report)?;
                    if self.waiting().next().is_none() {
                        return Ok(());
                    }
                }
                Err(error) if !error.is_passing() => return Err(error.into()),
                Err(error) => client = self.again(error, settings).await?,
            }
            if began.elapsed() >= most.to_std() {
                return Ok(());
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 3 / 2).min(LOOK_LAST);
        }
    }

    /// Makes a new connection. Before anything was recorded, not having one is an error.
    async fn again(&self, error: Error, settings: &Settings) -> anyhow::Result<Client> {
        match connect::client(settings).await {
            Ok(client) => Ok(client),
            Err(_) if self.last.is_some() => {
                warn(&format!("{error}; trying again"));
                Ok(connect::existing(settings))
            }
            Err(why) => Err(why),
        }
    }

    fn take_in(&mut self, report: PanicReport) -> std::io::Result<()> {
        if self.panic.since.is_none() {
            self.panic.since = Some(report.since);
            self.announce(&report);
        }
        if self.print == Print::Lines {
            let mut out = out();
            for thing in report
                .things
                .iter()
                .filter(|thing| thing.fate == Fate::Gone)
            {
                if self.said.insert((thing.kind, thing.id.clone())) {
                    writeln!(out, "{}", line(thing, Style::stdout()))?;
                }
            }
            out.flush()?;
        }
        self.last = Some(report);
        Ok(())
    }

    fn announce(&self, report: &PanicReport) {
        let count = |kind: ThingKind| {
            let of_kind = report.things.iter().filter(|thing| thing.kind == kind);
            of_kind.count()
        };
        say(&format!(
            "ending {} and {}; the control plane goes on with it whatever happens here",
            counted(count(ThingKind::Run), "run", "runs"),
            counted(count(ThingKind::Pod), "pod", "pods")
        ));
    }

    fn waiting(&self) -> impl Iterator<Item = &Thing> {
        let things = self.last.iter().flat_map(|report| &report.things);
        things.filter(|thing| match thing.fate {
            Fate::Asked | Fate::Failed => true,
            Fate::Gone | Fate::Kept => false,
        })
    }

    /// Prints what is not gone, and says how it ended.
    fn conclude(self) -> anyhow::Result<Ending> {
        let Some(report) = &self.last else {
            let message = "the control plane has not said whether it was asked";
            return Err(Failure::failed(message)
                .hint("give `livery panic` again")
                .into());
        };
        match self.print {
            Print::Json => print_json(&report.things)?,
            Print::Lines => {
                let mut out = out();
                for thing in report
                    .things
                    .iter()
                    .filter(|thing| thing.fate != Fate::Gone)
                {
                    writeln!(out, "{}", line(thing, Style::stdout()))?;
                }
                out.flush()?;
            }
        }
        let (ending, words) = verdict(&report.things);
        say(&words);
        Ok(ending)
    }
}

/// Returns how it ended, and says so: what is kept is never among what is confirmed gone.
fn verdict(things: &[Thing]) -> (Ending, String) {
    let count = |fates: &[Fate]| {
        let of_fate = things.iter().filter(|thing| fates.contains(&thing.fate));
        of_fate.count()
    };
    let (asked, failed) = (count(&[Fate::Asked]), count(&[Fate::Failed]));
    let kept = count(&[Fate::Kept]);
    let machines = things
        .iter()
        .filter(|thing| thing.fate == Fate::Kept && thing.kind == ThingKind::Lease)
        .count();
    let kept_too = match kept {
        0 => String::new(),
        kept => format!(", {kept} kept"),
    };
    if asked + failed > 0 {
        let mut words = format!("{} not confirmed{kept_too}", asked + failed);
        if failed > 0 {
            words.push_str(&format!(
                "; {failed} could not even be told to end, and whether they cost is not known: why \
                 stands above"
            ));
        }
        words.push_str(match asked {
            0 => ". `livery panic` again tries it again",
            _ => {
                "; the control plane goes on ending what was asked. `livery panic` again shows how \
                 far it is"
            }
        });
        return (Ending::BadNews, words);
    }
    if machines > 0 {
        let words = format!(
            "{kept} kept, everything else is confirmed gone; {machines} of them are machines that may \
             be yours and cost you: `livery panic --unknown` ends them too"
        );
        return (Ending::BadNews, words);
    }
    let words = match kept {
        0 => "everything is confirmed gone".to_owned(),
        kept => format!("{kept} kept, everything else is confirmed gone"),
    };
    (Ending::Done, words)
}

fn line(thing: &Thing, style: Style) -> String {
    let fate = match thing.fate {
        Fate::Gone => style.good("confirmed gone"),
        Fate::Asked => style.warn("asked, not confirmed yet"),
        Fate::Failed => style.bad("failed"),
        Fate::Kept => style.info("kept"),
    };
    let named = || match thing.name.as_str() {
        "" => thing.id.clone(),
        name => format!("{} {name}", thing.id),
    };
    let placed = || match thing.place.as_str() {
        "" => named(),
        place => format!("{} at {place}", named()),
    };
    let what = match thing.kind {
        ThingKind::Run => format!("run {}", named()),
        ThingKind::Pod => format!("pod {}", placed()),
        ThingKind::Volume => format!("volume {}", placed()),
        ThingKind::Lease => format!("machine {} at {}", thing.id, thing.place),
        ThingKind::Supplier => format!("anything else at {}", thing.id),
    };
    match &thing.why {
        Some(why) if thing.fate != Fate::Gone => format!("{fate}: {what} ({why})"),
        Some(_) | None => format!("{fate}: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(kind: ThingKind, fate: Fate) -> Thing {
        Thing {
            kind,
            id: "one".into(),
            name: String::new(),
            place: "here".into(),
            fate,
            why: None,
        }
    }

    #[test]
    fn the_question_names_all_that_goes() {
        let strays = "every network volume on your hosts";
        let alone = reach(Volumes::End, Unknown::Keep);
        assert_eq!(alone, "Network volumes are deleted.");
        let machines = reach(Volumes::Keep, Unknown::End);
        assert!(machines.contains("another control plane"), "{machines}");
        assert!(!machines.contains(strays), "{machines}");
        let both = reach(Volumes::End, Unknown::End);
        assert!(both.starts_with(alone) && both.contains(strays), "{both}");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_is_bad_news() {
        let unread = Thing {
            place: "".into(),
            why: Some("its row cannot be read".into()),
            ..thing(ThingKind::Pod, Fate::Failed)
        };
        assert_eq!(
            line(&unread, Style::Plain),
            "failed: pod one (its row cannot be read)"
        );
        assert_eq!(verdict(&[unread]).0, Ending::BadNews);
    }

    #[test]
    fn what_is_kept_is_not_said_to_be_gone() {
        let gone = || thing(ThingKind::Pod, Fate::Gone);
        let volume = || thing(ThingKind::Volume, Fate::Kept);
        let machine = || thing(ThingKind::Lease, Fate::Kept);
        let asked = || thing(ThingKind::Pod, Fate::Asked);
        let failed = || thing(ThingKind::Pod, Fate::Failed);
        for (things, ending, words) in [
            (vec![gone()], Ending::Done, "everything is confirmed gone"),
            (
                vec![gone(), volume()],
                Ending::Done,
                "1 kept, everything else is confirmed gone",
            ),
            (
                vec![gone(), volume(), machine()],
                Ending::BadNews,
                "2 kept, everything else is confirmed gone; 1 of them are machines",
            ),
            (
                vec![asked(), machine(), gone()],
                Ending::BadNews,
                "1 not confirmed, 1 kept; the control plane goes on",
            ),
            (
                vec![failed(), gone()],
                Ending::BadNews,
                "1 not confirmed; 1 could not even be told to end, and whether they cost is not \
                 known: why stands above. `livery panic` again tries",
            ),
            (
                vec![failed(), asked()],
                Ending::BadNews,
                "2 not confirmed; 1 could not even be told to end, and whether they cost is not \
                 known: why stands above; the control plane goes on ending what was asked",
            ),
        ] {
            let (found, said) = verdict(&things);
            assert_eq!(found, ending, "{said}");
            assert!(said.starts_with(words), "{said}");
        }
    }
}
