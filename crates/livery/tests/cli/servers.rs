//! Control planes: started when needed, one at a time, ended on request, reached over TCP.

use super::plane::Plane;

#[test]
fn the_first_command_starts_a_control_plane_and_says_so_once() {
    let plane = Plane::new();
    // As an ordinary user the host agent would need sudo; that it comes up is tested elsewhere.
    if !rustix::process::geteuid().is_root() {
        println!("skipped: a host agent needs root");
        return;
    }
    let mut command = plane.command(&["runs"]);
    command.env_remove("LIVERY_NO_START");
    let ran = super::plane::Ran::new(command.output().unwrap()).expect(0);
    let ran = ran.says(&["no control plane ran here", "livery serve --stop"]);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert_eq!(plane.run(&["runs"]).expect(0).err, "");
    plane
        .run(&["serve", "--stop"])
        .expect(0)
        .says(&["has ended"]);
    assert_eq!(plane.pid(), None);
    assert!(!plane.data().join("livery.sock").exists());
}

#[test]
fn there_is_one_control_plane_per_data_directory() {
    let plane = Plane::started();
    let pid = plane.pid().unwrap();
    let again = plane.run(&["serve", "--detach", "--no-host"]).expect(0);
    again.says(&["already", &pid.to_string()]);
    let foreground = plane.run(&["serve", "--no-host"]).expect(2);
    foreground.says(&["runs already", &pid.to_string(), "livery serve --stop"]);
    assert_eq!(plane.pid(), Some(pid));
}

#[test]
fn commands_that_start_one_at_the_same_time_get_the_same() {
    let plane = Plane::new();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let mut command = plane.command(&["serve", "--detach", "--no-host"]);
            std::thread::spawn(move || command.output().unwrap())
        })
        .collect();
    for start in starts {
        super::plane::Ran::new(start.join().unwrap()).expect(0);
    }
    let version = plane.run(&["version", "--json"]).expect(0).json();
    assert_eq!(
        version["server"]["pid"].as_u64(),
        plane.pid().map(u64::from)
    );
}

#[test]
fn a_control_plane_that_was_killed_is_no_obstacle() {
    let plane = Plane::started();
    let before = plane.pid().unwrap();
    kill(before);
    plane.run(&["pods"]).expect(1).says(&["CLI001"]);
    plane
        .run(&["serve", "--stop"])
        .expect(0)
        .says(&["no control plane runs here"]);
    plane.run(&["serve", "--detach", "--no-host"]).expect(0);
    assert_ne!(plane.pid(), Some(before));
    plane.run(&["pods"]).expect(0);
}

/// Kills a process that is no child of ours and waits until it is gone.
pub fn kill(pid: u32) {
    let number = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(number, rustix::process::Signal::KILL).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    while !state().is_empty() && !state().contains(") Z ") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn one_that_does_not_start_shows_the_end_of_its_log() {
    let plane = Plane::new();
    let start = [
        "serve",
        "--detach",
        "--no-host",
        "--database",
        "sqlite:/no/such/dir/x.db",
    ];
    plane
        .run(&start)
        .expect(1)
        .says(&["did not start", "database", "serve.log"]);
}

#[test]
fn tcp_needs_a_token_and_a_revoked_one_is_worthless() {
    let plane = Plane::new();
    let port = free_port();
    let start = [
        "serve",
        "--detach",
        "--no-host",
        "--listen",
        &port.to_string(),
    ];
    plane.run(&start).expect(0);
    let url = format!("http://127.0.0.1:{port}");
    let far = |arguments: &[&str], token: Option<&str>| {
        let mut command = plane.command(arguments);
        command
            .env("LIVERY_SERVER", &url)
            .envs(token.map(|token| ("LIVERY_TOKEN", token)));
        super::plane::Ran::new(command.output().unwrap())
    };
    far(&["pods"], None)
        .expect(1)
        .says(&["API005", "livery token create"]);
    far(&["version"], None).expect(0);
    let made = plane
        .run(&["token", "create", "for a test", "--json"])
        .expect(0)
        .json();
    let (token, id) = (
        made["token"].as_str().unwrap(),
        made["info"]["id"].as_str().unwrap(),
    );
    far(&["pods"], Some(token)).expect(0);
    far(&["token", "list"], Some(token))
        .expect(1)
        .says(&["API006"]);
    far(&["pods"], Some("livery_guessed"))
        .expect(1)
        .says(&["API005"]);
    let listed = plane.run(&["token", "list"]).expect(0).out;
    assert!(listed.contains(id) && listed.contains("for a test") && !listed.contains(token));
    plane.run(&["token", "revoke", id]).expect(0);
    far(&["pods"], Some(token)).expect(1).says(&["API005"]);
}

/// Asks the system for a port that nobody has just now; another process may take it in between,
/// and then the start says so.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_server_elsewhere_is_never_started_or_stopped_from_here() {
    let plane = Plane::new();
    let mut command = plane.command(&["serve", "--stop"]);
    command.env("LIVERY_SERVER", "http://127.0.0.1:1");
    let ran = super::plane::Ran::new(command.output().unwrap()).expect(2);
    ran.says(&["LIVERY_SERVER"]);
}

#[test]
fn a_separate_host_that_is_not_there_leaves_nothing_on_offer() {
    let plane = Plane::new();
    plane
        .run(&["serve", "--detach", "--host-socket", "nowhere.sock"])
        .expect(0);
    plane
        .run(&["offers"])
        .expect(0)
        .says(&["no host is connected"]);
}

#[test]
fn ending_none_is_no_error() {
    let plane = Plane::new();
    plane
        .run(&["serve", "--stop"])
        .expect(0)
        .says(&["no control plane runs here"]);
    plane
        .run(&["host", "--stop"])
        .expect(0)
        .says(&["no host agent runs here"]);
}
