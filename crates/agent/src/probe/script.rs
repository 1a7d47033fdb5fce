//! What the pod's own shell tells: one script of plain POSIX, so that busybox will do.

use super::captured::{Captured, run};
use super::{PATIENCE, no, yes};
use crate::agent::{Core, now_ms};
use livery_host_api::dto::Answer;
use livery_units::PodId;
use std::ops::Range;
use std::sync::Arc;

/// Each line of the answer is `name=value`; what a pod lacks the tools for is left out.
const SCRIPT: &str = r#"
echo shell=yes
echo clock=$(date +%s)
if grep -q ' /workspace ' /proc/mounts; then
    echo mounted=yes
else
    echo mounted=no, /workspace is a directory of the container disk
fi
probe=/workspace/.livery-probe-$$
if { echo written > "$probe"; } 2>/dev/null && [ "$(cat "$probe")" = written ]; then
    rm -f "$probe" && echo writable=yes || echo writable=no, a file could not be removed
else
    echo writable=no, a file could not be written
fi
echo disk=$(df -Pk /workspace | tail -n 1 | { read -r _ _ _ free _; echo "$free"; })
"#;

/// What the shell said; `None` for what it left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub shell: Answer,
    pub mounted: Option<Answer>,
    pub writable: Option<Answer>,
    /// In bytes.
    pub free_disk: Option<u64>,
    /// The pod's clock less this machine's, in milliseconds: the least that it can be.
    pub pod_less_host_ms: Option<i64>,
}

/// Asks the pod's shell.
pub(super) async fn ask(core: &Arc<Core>, pod: &PodId) -> Told {
    let command = ["sh", "-c", SCRIPT].map(str::to_owned);
    let began = now_ms();
    let captured = run(core, pod, &command, PATIENCE).await;
    let during = began..now_ms();
    match captured {
        Ok(captured) => read(&captured, &during),
        Err(error) => silent(error.to_string()),
    }
}

fn silent(why: String) -> Told {
    Told {
        shell: no(why),
        mounted: None,
        writable: None,
        free_disk: None,
        pod_less_host_ms: None,
    }
}

/// Reads what the shell said in a stretch of time, in milliseconds since 1970.
fn read(captured: &Captured, during: &Range<i64>) -> Told {
    let text = captured.text();
    if !text.lines().any(|line| line == "shell=yes") {
        return silent(match captured.exit_code {
            Some(code) => format!("`sh` ended with exit code {code}: {}", text.trim()),
            None => "`sh` did not answer in time".to_owned(),
        });
    }
    let value = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let answer = |name: &str| {
        value(name).map(|value| match value.strip_prefix("no, ") {
            Some(why) => no(why),
            None => yes(),
        })
    };
    let seconds = value("clock").and_then(|value| value.parse().ok());
    Told {
        shell: yes(),
        mounted: answer("mounted"),
        writable: answer("writable"),
        free_disk: value("disk")
            .and_then(|kib| kib.parse::<u64>().ok())
            .map(|kib| kib << 10),
        pod_less_host_ms: seconds.map(|seconds| beyond(seconds, during)),
    }
}

/// Returns how far a clock that shows a whole second, some time during a stretch, is away from it at
/// least.
fn beyond(seconds: i64, during: &Range<i64>) -> i64 {
    let first = seconds.saturating_mul(1_000);
    let last = first.saturating_add(999);
    if first > during.end {
        first - during.end
    } else if last < during.start {
        last - during.start
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_held_against_the_time_in_which_it_was_asked() {
        // However long the shell took, it was within.
        assert_eq!(beyond(10, &(3_000..40_000)), 0);
        assert_eq!(beyond(10, &(10_500..10_600)), 0);
        assert_eq!(beyond(10, &(10_999..12_000)), 0);
        assert_eq!(beyond(10, &(3_000..4_000)), 6_000);
        assert_eq!(beyond(10, &(13_000..14_000)), -2_001);
        assert!(beyond(i64::MAX, &(0..1)) > 1_000_000);
    }

    #[test]
    fn what_the_shell_tells_is_read() {
        let text = "shell=yes\nclock=10\nmounted=no, because\nwritable=yes\ndisk=2\n";
        let told = read(&Captured::of(text, Some(0)), &(10_000..10_100));
        assert_eq!(told.shell, yes());
        assert_eq!(told.mounted, Some(no("because")));
        assert_eq!(told.writable, Some(yes()));
        assert_eq!(
            (told.free_disk, told.pod_less_host_ms),
            (Some(2_048), Some(0))
        );
        let mute = read(&Captured::of("sh: not found", Some(127)), &(0..1));
        assert_eq!(
            mute,
            silent("`sh` ended with exit code 127: sh: not found".to_owned())
        );
    }
}
