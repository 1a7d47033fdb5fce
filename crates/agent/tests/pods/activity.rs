//! What pods have used, seen from outside: each kind of use counts, and a sleeping pod does nothing.
#![allow(
    clippy::print_stdout,
    reason = "why a test was skipped goes to the standard output"
)]

use crate::bench::{Bench, PATIENCE, pod_id, pod_spec, shell, task_id};
use livery_domain::pod::{DISK_NOISE_PER_MINUTE, NETWORK_NOISE_PER_MINUTE, PodUse, Usage, used};
use livery_host_api::Host;
use livery_host_api::dto::{SignalTask, TaskSpec};
use livery_units::{Bytes, PodId, Span};
use std::collections::BTreeMap;
use std::time::Duration;

/// Returns what a pod has used so far.
async fn look(bench: &Bench, pod: &PodId) -> Usage {
    let seen = bench.host().activity().await.unwrap();
    let found = seen.pods.iter().find(|one| one.pod == pod.as_str());
    seen.usage(found.expect("the pod is up"))
}

/// Looks again and again until what a pod has used is as wanted; the harness ends a test that never
/// comes to it.
async fn until(bench: &Bench, pod: &PodId, wanted: impl Fn(&Usage) -> bool) -> Usage {
    loop {
        let now = look(bench, pod).await;
        if wanted(&now) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until whoever was in a pod has left it.
async fn nobody_in(bench: &Bench, pod: &PodId) -> Usage {
    until(bench, pod, |now| now.session_at < Some(now.host_uptime)).await
}

/// Runs a line in a pod for as long as `wanted` does not hold.
async fn while_it_runs(
    bench: &Bench,
    pod: &PodId,
    number: u128,
    line: &str,
    wanted: impl Fn(&Usage, &Usage) -> bool,
) {
    let spec = TaskSpec {
        argv: ["sh", "-c", line].map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        workdir: "/workspace".into(),
    };
    let task = task_id(number);
    let before = look(bench, pod).await;
    bench.host().task_start(pod, &task, &spec).await.unwrap();
    until(bench, pod, |now| wanted(&before, now)).await;
    let kill = SignalTask {
        signal: 9,
        kill_after_ms: None,
    };
    bench.host().task_signal(pod, &task, &kill).await.unwrap();
    bench.host().task(pod, &task, PATIENCE).await.unwrap();
}

fn more(before: Bytes, after: Bytes, noise: Bytes) -> bool {
    after.get() - before.get() > noise.get()
}

pub async fn each_kind_of_use_is_seen(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    let before = look(bench, &pod).await;
    assert_eq!(before.session_at, None, "nobody was in it yet");
    let mut session = bench.exec(&pod, &shell("echo in; exec cat")).await;
    session.until("in").await;
    let inside = look(bench, &pod).await;
    assert_eq!(used(&before, &inside), Some(PodUse::Session));
    let later = until(bench, &pod, |now| now.host_uptime > inside.host_uptime).await;
    assert_eq!(used(&inside, &later), Some(PodUse::Session), "still open");
    drop(session);
    // Its client is gone; it ends a moment later.
    nobody_in(bench, &pod).await;

    while_it_runs(bench, &pod, 1, "while :; do :; done", |before, now| {
        used(before, now) == Some(PodUse::Cpu)
    })
    .await;
    let write = "while :; do dd if=/dev/zero of=block bs=64k count=4 conv=fsync; done";
    while_it_runs(bench, &pod, 2, write, |before, now| {
        more(before.written, now.written, DISK_NOISE_PER_MINUTE)
    })
    .await;
    // What leaves the pod counts, wherever it comes to.
    let send = "exec python3 -c 'import socket, time\n\
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
        while True: udp.sendto(bytes(1000), (\"9.9.9.9\", 9)); time.sleep(0.001)'";
    while_it_runs(bench, &pod, 3, send, |before, now| {
        more(before.network, now.network, NETWORK_NOISE_PER_MINUTE)
    })
    .await;
}

pub async fn a_sleeping_pod_does_nothing_also_while_the_agent_is_replaced(bench: &mut Bench) {
    let pod = bench.pod(1).await;
    // What was written while it was made must not reach the disk later.
    bench.says(&pod, "sync").await;
    let before = nobody_in(bench, &pod).await;
    let long_enough = Span::from_millis(before.host_uptime.millis() + 2_000);
    let after = until(bench, &pod, |now| now.host_uptime >= long_enough).await;
    assert_eq!(used(&before, &after), None, "{before:?} {after:?}");

    bench.restart().await;
    let later = look(bench, &pod).await;
    assert_eq!(later.session_at, None, "the new agent has seen nobody");
    assert_eq!(used(&after, &later), None, "{after:?} {later:?}");
    bench.host().pod_stop(&pod, PATIENCE).await.unwrap();
    let seen = bench.host().activity().await.unwrap();
    assert!(seen.pods.is_empty(), "only pods that are up are looked at");
}

/// A kernel that keeps a GPU busy for a while, by the driver's own library: no toolkit is needed.
const BUSY: &str = r#"
import ctypes, time
cuda = ctypes.CDLL("libcuda.so.1")
def check(code):
    assert code == 0, code
check(cuda.cuInit(0))
device, context = ctypes.c_int(), ctypes.c_void_p()
check(cuda.cuDeviceGet(ctypes.byref(device), 0))
check(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
check(cuda.cuCtxSetCurrent(context))
size = 1 << 28
memory = ctypes.c_uint64()
check(cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(size)))
while True:
    for value in range(50):
        check(cuda.cuMemsetD8_v2(memory, ctypes.c_ubyte(value), ctypes.c_size_t(size)))
    check(cuda.cuCtxSynchronize())
"#;

pub async fn a_gpu_that_works_is_seen(bench: &mut Bench) {
    let info = bench.host().info().await.unwrap();
    let Some(gpu) = info.gpus.iter().find(|gpu| !gpu.simulated) else {
        println!("skipped: the driver's library reports no NVIDIA GPU on this machine");
        return;
    };
    let mut spec = pod_spec();
    spec.gpu_count = 1;
    spec.gpu_model = Some(gpu.name.clone());
    spec.memory = 4 << 30;
    let pod = pod_id(1);
    let made = bench.host().pod_create(&pod, &spec, PATIENCE).await;
    made.unwrap();
    let before = look(bench, &pod).await;
    assert_eq!(before.gpu_at, None, "nothing has worked on it yet");
    bench
        .says(&pod, &format!("cat > busy.py <<'END'\n{BUSY}\nEND"))
        .await;
    while_it_runs(bench, &pod, 1, "exec python3 /busy.py", |before, now| {
        now.gpu_at > Some(before.host_uptime)
    })
    .await;
}
