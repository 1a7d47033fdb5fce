//! The gate: a fresh pod is proved to be what was offered before anything is sent to it.

use crate::gpu::{GpuReality, Gpus, is_sold_as};
use livery_units::{Bytes, Span, Timestamp};

/// What the gate holds a pod to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Virtual CPUs in thousandths, at least.
    pub vcpu_milli: u32,
    /// Memory, at least.
    pub memory: Bytes,
    /// Free disk under the workspace, at least.
    pub free_disk: Bytes,
    /// GPUs, exactly.
    pub gpus: Option<Gpus>,
    /// How far the pod's clock may be from ours.
    pub clock_skew_max: Span,
}

/// What a probe found in a pod. `None` means that the probe could not tell, which never passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Whether a shell answered.
    pub shell: Option<Answer>,
    /// Whether the workspace is a mount of its own.
    pub workspace_mounted: Option<Answer>,
    /// Whether a file could be written there, read back and removed.
    pub workspace_writable: Option<Answer>,
    /// Free space under the workspace.
    pub free_disk: Option<Bytes>,
    /// The memory that the pod may use.
    pub memory: Option<Bytes>,
    /// The virtual CPUs that the pod may use, in thousandths.
    pub vcpu_milli: Option<u32>,
    /// How far its clock is from ours.
    pub clock_skew: Option<Span>,
    /// Whether something outside could be reached.
    pub outbound: Option<Answer>,
    /// GPUs as the host's driver library reports them for this pod.
    pub gpus_host: Vec<Gpus>,
    /// GPUs as `nvidia-smi` inside the pod reports them.
    pub gpus_pod: Vec<Gpus>,
    /// The newest CUDA that the host's driver supports, as (major, minor).
    pub cuda_driver: Option<(u32, u32)>,
    /// The CUDA that the image says it needs, as (major, minor).
    pub cuda_image: Option<(u32, u32)>,
}

/// A question to a host and its answer, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// When it was asked, by our clock.
    pub asked: Timestamp,
    /// When the host heard it, by the host's clock.
    pub heard: Timestamp,
    /// When the host answered, by the host's clock.
    pub answered: Timestamp,
    /// When the answer came, by our clock.
    pub received: Timestamp,
}

impl Exchange {
    /// Returns how far a clock at the host is from ours for certain; `beyond` is that clock less the
    /// host's own, in milliseconds.
    ///
    /// Nothing is heard before it was asked, nor received before it was answered: that bounds the
    /// difference from both sides, as narrowly as the network is quick. How long the host took in between
    /// does not matter.
    pub fn skew(&self, beyond: i64) -> Span {
        // A host may say anything, so nothing here can overflow.
        let less = |theirs: Timestamp, ours: Timestamp| {
            let difference = theirs.millis().saturating_sub(ours.millis());
            difference.saturating_add(beyond)
        };
        let most = less(self.heard, self.asked);
        let least = less(self.answered, self.received);
        if least <= 0 && 0 <= most {
            return Span::ZERO;
        }
        // A clock that was set meanwhile turns the two around.
        Span::from_millis(least.unsigned_abs().min(most.unsigned_abs()))
    }
}

/// A yes or a no with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No, and why, in words for the user.
    No(String),
}

/// Whether a check passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It passed.
    Pass,
    /// It failed, and so does the gate.
    Fail,
}

/// One row of the gate's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, such as `free disk`.
    pub name: String,
    /// What was wanted, in words.
    pub wanted: String,
    /// What was found, in words.
    pub found: String,
    /// Whether that is good enough.
    pub verdict: Verdict,
}

/// Judges what was found against what was wanted: one row per check, in a fixed order.
pub fn judge(wanted: &Wanted, found: &Found) -> Vec<Check> {
    let mut checks = vec![
        answered("shell", "answers", found.shell.as_ref()),
        answered("workspace", "mounted", found.workspace_mounted.as_ref()),
        answered("workspace", "writable", found.workspace_writable.as_ref()),
        at_least(
            "free disk",
            wanted.free_disk,
            found.free_disk,
            less_a_twentieth,
        ),
        at_least("memory", wanted.memory, found.memory, less_a_twentieth),
        vcpu(wanted.vcpu_milli, found.vcpu_milli),
        clock(wanted.clock_skew_max, found.clock_skew),
        answered("network", "outbound", found.outbound.as_ref()),
    ];
    if let Some(gpus) = &wanted.gpus {
        checks.push(same_gpus("GPUs (host driver)", gpus, &found.gpus_host));
        checks.push(same_gpus("GPUs (in the pod)", gpus, &found.gpus_pod));
    }
    if let Some(needed) = found.cuda_image.filter(|_| wanted.gpus.is_some()) {
        checks.push(cuda(needed, found.cuda_driver));
    }
    checks
}

/// Returns whether every check passed.
pub fn passed(checks: &[Check]) -> bool {
    checks.iter().all(|check| match check.verdict {
        Verdict::Pass => true,
        Verdict::Fail => false,
    })
}

const NO_ANSWER: &str = "no answer";

fn check(name: &str, wanted: String, found: String, good: Result<(), ()>) -> Check {
    let verdict = if good.is_ok() {
        Verdict::Pass
    } else {
        Verdict::Fail
    };
    Check {
        name: name.to_owned(),
        wanted,
        found,
        verdict,
    }
}

fn ok_if(condition: Option<()>) -> Result<(), ()> {
    condition.ok_or(())
}

fn answered(name: &str, wanted: &str, answer: Option<&Answer>) -> Check {
    let (found, good) = match answer {
        Some(Answer::Yes) => ("yes".to_owned(), Ok(())),
        Some(Answer::No(why)) => (format!("no: {why}"), Err(())),
        None => (NO_ANSWER.to_owned(), Err(())),
    };
    check(name, wanted.to_owned(), found, good)
}

/// File systems and kernels keep a little for themselves: 5 % less than offered still passes.
fn less_a_twentieth(amount: Bytes) -> Bytes {
    Bytes::new(amount.get() - amount.get() / 20)
}

fn at_least(name: &str, wanted: Bytes, found: Option<Bytes>, slack: fn(Bytes) -> Bytes) -> Check {
    let good = ok_if(found.filter(|found| *found >= slack(wanted)).map(drop));
    let found = found.map_or(NO_ANSWER.to_owned(), |found| found.to_string());
    check(name, format!("at least {wanted}"), found, good)
}

fn vcpu(wanted: u32, found: Option<u32>) -> Check {
    let good = ok_if(found.filter(|found| *found >= wanted).map(drop));
    let show = |milli: u32| format!("{}.{}", milli / 1_000, milli % 1_000 / 100);
    check(
        "vCPU",
        format!("at least {}", show(wanted)),
        found.map_or(NO_ANSWER.to_owned(), show),
        good,
    )
}

fn clock(max: Span, found: Option<Span>) -> Check {
    let good = ok_if(found.filter(|found| *found <= max).map(drop));
    let shown = found.map_or(NO_ANSWER.to_owned(), |skew| format!("off by {skew}"));
    check("clock", format!("within {max}"), shown, good)
}

fn same_gpus(name: &str, wanted: &Gpus, found: &[Gpus]) -> Check {
    let count: u64 = found.iter().map(|gpus| u64::from(gpus.count)).sum();
    let fits = |gpus: &Gpus| {
        let real = match gpus.reality {
            GpuReality::Real => true,
            GpuReality::Simulated => false,
        };
        real && gpus.model.satisfies(&wanted.model) && is_sold_as(gpus.vram, wanted.vram)
    };
    let good = ok_if((count == u64::from(wanted.count) && found.iter().all(fits)).then_some(()));
    let show = |gpus: &Gpus| format!("{gpus} with {}", gpus.vram);
    let shown: Vec<String> = found.iter().map(show).collect();
    let shown = if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    };
    check(
        name,
        format!(
            "{}x {} with {}, real",
            wanted.count, wanted.model, wanted.vram
        ),
        shown,
        good,
    )
}

fn cuda(needed: (u32, u32), driver: Option<(u32, u32)>) -> Check {
    let good = ok_if(driver.filter(|driver| *driver >= needed).map(drop));
    let show = |(major, minor): (u32, u32)| format!("{major}.{minor}");
    let found = driver.map_or("no driver".to_owned(), |driver| {
        format!("driver supports {}", show(driver))
    });
    check("CUDA", format!("driver for {}", show(needed)), found, good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::GpuModel;

    fn wanted() -> Wanted {
        Wanted {
            vcpu_milli: 2_000,
            memory: Bytes::gib(4),
            free_disk: Bytes::gib(10),
            gpus: None,
            clock_skew_max: Span::from_secs(5),
        }
    }

    fn found() -> Found {
        Found {
            shell: Some(Answer::Yes),
            workspace_mounted: Some(Answer::Yes),
            workspace_writable: Some(Answer::Yes),
            free_disk: Some(Bytes::mib(9_800)),
            memory: Some(Bytes::gib(4)),
            vcpu_milli: Some(2_000),
            clock_skew: Some(Span::from_millis(3)),
            outbound: Some(Answer::Yes),
            ..Found::default()
        }
    }

    fn gpus(reality: GpuReality) -> Gpus {
        Gpus {
            model: GpuModel::parse("RTX4090"),
            count: 1,
            vram: Bytes::gib(24),
            reality,
        }
    }

    #[test]
    fn what_was_offered_passes() {
        assert!(passed(&judge(&wanted(), &found())));
    }

    #[test]
    fn silence_never_passes() {
        let checks = judge(&wanted(), &Found::default());
        assert!(checks.iter().all(|check| check.verdict == Verdict::Fail));
    }

    #[test]
    fn a_clock_is_off_by_what_the_network_cannot_explain() {
        let skew = |asked, heard, answered, received, beyond| {
            let at = Timestamp::from_millis;
            let exchange = Exchange {
                asked: at(asked),
                heard: at(heard),
                answered: at(answered),
                received: at(received),
            };
            exchange.skew(beyond).millis()
        };
        // The same clock: however long the checks or the network took.
        assert_eq!(skew(0, 0, 0, 0, 0), 0);
        assert_eq!(skew(0, 3, 600_000, 600_004, 0), 0);
        assert_eq!(skew(0, 5_000, 5_000, 20_000, 0), 0);
        // Ahead and behind, by no less than this.
        assert_eq!(skew(0, 30_002, 90_000, 60_003, 0), 29_997);
        assert_eq!(skew(60_000, 30_002, 90_000, 120_003, 0), 29_998);
        // The pod's own clock, where it differs from its host's.
        assert_eq!(skew(0, 1, 2, 3, 7_000), 6_999);
        assert_eq!(skew(0, 1, 2, 3, -7_000), 6_999);
        assert_eq!(skew(0, 9_001, 9_002, 3, -9_000), 0);
        assert_eq!(skew(0, i64::MAX, i64::MIN, 3, i64::MAX), 0);
        // Set by an hour while checks ran: not certain, and no nonsense.
        assert_eq!(skew(0, 1, 3_600_000, 10, 0), 1);
    }

    #[test]
    fn simulated_gpus_are_not_taken_for_real_ones() {
        let wanted = Wanted {
            gpus: Some(gpus(GpuReality::Real)),
            ..wanted()
        };
        let with = |reality| Found {
            gpus_host: vec![gpus(reality)],
            gpus_pod: vec![gpus(reality)],
            ..found()
        };
        assert!(passed(&judge(&wanted, &with(GpuReality::Real))));
        assert!(!passed(&judge(&wanted, &with(GpuReality::Simulated))));
    }

    #[test]
    fn a_driver_older_than_the_image_needs_fails() {
        let wanted = Wanted {
            gpus: Some(gpus(GpuReality::Real)),
            ..wanted()
        };
        let mut facts = Found {
            gpus_host: vec![gpus(GpuReality::Real)],
            gpus_pod: vec![gpus(GpuReality::Real)],
            cuda_image: Some((12, 8)),
            cuda_driver: Some((12, 4)),
            ..found()
        };
        assert!(!passed(&judge(&wanted, &facts)));
        facts.cuda_driver = Some((13, 0));
        assert!(passed(&judge(&wanted, &facts)));
    }
}
