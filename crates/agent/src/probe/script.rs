//! What the pod's own shell tells: one script of plain POSIX, so that busybox will do.

use super::captured::Captured;
use super::{no, yes};
use livery_host_api::dto::Facts;

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

/// Returns the command that asks.
pub(super) fn command() -> [String; 3] {
    ["sh", "-c", SCRIPT].map(str::to_owned)
}

/// Reads the answer.
pub(super) fn read(captured: &Captured, now_ms: i64, facts: &mut Facts) {
    let text = captured.text();
    if !text.lines().any(|line| line == "shell=yes") {
        let why = match captured.exit_code {
            Some(code) => format!("`sh` ended with exit code {code}: {}", text.trim()),
            None => "`sh` did not answer in time".to_owned(),
        };
        facts.shell = Some(no(why));
        return;
    }
    facts.shell = Some(yes());
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let answer = || match value.strip_prefix("no, ") {
            Some(why) => no(why),
            None => yes(),
        };
        match name {
            "mounted" => facts.workspace_mounted = Some(answer()),
            "writable" => facts.workspace_writable = Some(answer()),
            "disk" => {
                let kib: Option<u64> = value.parse().ok();
                facts.free_disk = kib.map(|kib| kib << 10);
            }
            "clock" => {
                if let Ok(secs) = value.parse::<i64>() {
                    let skew = facts.clock_skew_ms.unwrap_or(0);
                    facts.clock_skew_ms = Some(skew + beyond_seconds(secs * 1_000 - now_ms));
                }
            }
            _ => {}
        }
    }
}

/// The pod tells whole seconds, some moments ago: up to a second and a half of difference is none.
fn beyond_seconds(difference_ms: i64) -> i64 {
    const NONE_MS: i64 = 1_500;
    if difference_ms.abs() <= NONE_MS {
        0
    } else {
        difference_ms
    }
}
