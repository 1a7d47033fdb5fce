//! From inside a pod: what is not its own cannot be seen, read or reached.
//!
//! The runtime has a suite of its own for the kernel's walls; here it is the whole product.

use crate::support::{Job, Traces, World, free_port, until};
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

#[test]
fn a_pod_sees_nothing_of_the_owner_of_livery_or_of_other_pods() {
    let Some(world) = World::new() else { return };
    let [one, other] = [world.pod(&[]), world.pod(&[])];
    world
        .sh(
            &other,
            "echo its-own-secret | tee /workspace/secret /root/secret /tmp/secret",
        )
        .expect(0);
    let home = Path::new("/root");
    let mut owners = tempfile::NamedTempFile::new_in(home).unwrap();
    owners.write_all(b"its-own-secret").unwrap();
    // As careless as an owner can be.
    let careless = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(owners.path(), careless).unwrap();
    let (data, path) = (world.data(), owners.path().display().to_string());
    let (data, world_dir) = (data.display(), world.path().display());
    let looks = format!(
        "cat {path} /proc/1/root{path} /workspace/secret /root/secret /tmp/secret\n\
         cat /proc/[0-9]*/root/workspace/secret\n\
         ls -A {data} {world_dir} {data}/host/runtime/pods/{other}\n\
         cat {data}/livery.db\n\
         ls -A /home/* /var/lib/livery /run/livery\n\
         find / -xdev -name 'secret' -o -xdev -name 'livery.*' -o -xdev -name 'container.img'"
    );
    let ran = world.sh(&one, &looks);
    assert_eq!(ran.out, "", "{}", ran.err);
    // Its processes, the first of which is Livery's own, are all there are.
    let names = world
        .sh(&one, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        .out;
    assert!(
        !names.contains("serve") && !names.contains("deps/e2e"),
        "{names}"
    );
    world.finish();
}

/// Returns what other users of the machine could look into, were the directory above it open.
fn open_to_others(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let about = entry.metadata().unwrap();
        let (path, mode) = (entry.path(), about.permissions().mode() & 0o777);
        if mode & 0o077 != 0 && !about.is_symlink() {
            found.push(format!("{mode:o} {}", path.display()));
        }
        if about.is_dir() {
            found.extend(open_to_others(&path));
        }
    }
    found
}

#[test]
fn other_users_of_the_machine_see_neither_logs_nor_files_and_pods_have_the_usual_mask() {
    let Some(world) = World::new() else { return };
    let script = "mkdir -p /workspace/out\necho secret | tee /workspace/out/file";
    Job::new("keeps", script)
        .with("workdir: .\noutputs: ['out/**']")
        .write(&world);
    world.ok(&["run", "job.yaml"]);
    let pod = world.pod(&[]);
    let script = "umask; touch /tmp/new; mkdir -p /workspace/a; stat -c %a /tmp/new /workspace/a \
                  /workspace / /etc/resolv.conf";
    let ran = world.sh(&pod, script).expect(0);
    assert_eq!(ran.out, "0022\n644\n755\n755\n755\n644\n");
    let mut open = open_to_others(&world.data());
    // The kernel's own file for a network has a mode of its own.
    open.retain(|what| !what.contains("/netns/pod_"));
    assert_eq!(open, [""; 0]);
    world.finish();
}

/// Tries to connect, in a pod; prints `in` only when somebody accepted.
fn connects(world: &World, pod: &str, address: &str, port: u16) -> bool {
    let script = format!(
        "import socket; s = socket.socket(); s.settimeout(0.4); s.connect(('{address}', {port})); print('in')"
    );
    let ran = world.livery(&["exec", "-n", pod, "--", "python3", "-c", &script]);
    ran.out.contains("in")
}

#[test]
fn a_pod_reaches_neither_the_control_plane_nor_another_pod() {
    let Some(world) = World::new() else { return };
    let [one, other] = [world.pod(&[]), world.pod(&[])];
    let serve = "exec python3 -m http.server 8000 --bind 0.0.0.0";
    let server = world.spawn(&["exec", "-n", &other, "--", "sh", "-c", serve]);
    until("the other pod serves", Duration::from_secs(20), || {
        connects(&world, &other, "127.0.0.1", 8000).then_some(())
    });
    // The first two slots of four addresses each: the gateway, then the pod.
    let network = world.network();
    let addresses = [1, 2, 5, 6].map(|last| format!("{network}.{last}"));
    let reached = |pod: &str| -> Vec<&str> {
        let reached = addresses
            .iter()
            .filter(|address| connects(&world, pod, address, 8000));
        reached.map(String::as_str).collect()
    };
    assert_eq!(reached(&other).len(), 1, "its own address is one of these");
    assert_eq!(reached(&one), Vec::<&str>::new());
    server.kill();

    // Somebody who listens on every address of the machine, as `serve --listen 0.0.0.0` does.
    let second = ListeningPlane::start(&world);
    let local = TcpStream::connect((Ipv4Addr::LOCALHOST, second.port));
    assert!(local.is_ok(), "the machine itself reaches it");
    for address in addresses
        .iter()
        .map(String::as_str)
        .chain(["127.0.0.1", &machines_address()])
    {
        assert!(!connects(&world, &one, address, second.port), "{address}");
    }
    let socket = world.socket();
    let script = format!(
        "import socket; socket.socket(socket.AF_UNIX).connect('{}')",
        socket.display()
    );
    let ran = world
        .livery(&["exec", "-n", &one, "--", "python3", "-c", &script])
        .expect(1);
    ran.says(&["Error"]);
    drop(second);
    world.finish();
}

/// A control plane without a host that listens on TCP, on every address of the machine.
struct ListeningPlane {
    process: crate::support::Running,
    port: u16,
}

impl ListeningPlane {
    fn start(world: &World) -> Self {
        let port = free_port();
        let listen = format!("0.0.0.0:{port}");
        let arguments = ["serve", "--no-host", "--plain-http", "--listen", &listen];
        let mut command = world.command(&arguments);
        command.env("LIVERY_DATA_DIR", world.path().join("second"));
        let mut process = world.run_command(command, std::process::Stdio::null());
        process.until_err("callers need a token");
        until("it listens", Duration::from_secs(10), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        Self { process, port }
    }
}

impl Drop for ListeningPlane {
    fn drop(&mut self) {
        self.process.signal(rustix::process::Signal::KILL);
    }
}

/// The address by which the machine goes outside.
fn machines_address() -> String {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: connecting only picks the way. Without one, there is no such address.
    match socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)) {
        Ok(()) => socket.local_addr().unwrap().ip().to_string(),
        Err(_) => "127.0.0.2".to_owned(),
    }
}

#[test]
fn a_world_that_fails_leaves_nothing_either() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let _sleeping = world.sh(&pod, "setsid sleep 1000 > /dev/null 2>&1 < /dev/null &");
    world.remember_pods();
    let traces: Traces = world.traces();
    assert_ne!(traces.look(), Vec::<String>::new());
    // What happens when a test panics.
    drop(world);
    assert_eq!(traces.look(), Vec::<String>::new());
}
