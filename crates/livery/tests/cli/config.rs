//! Settings that outlive the process: `livery.toml`, `livery config`, `livery serve --save`.

use super::plane::{Plane, Ran};
use super::servers::{free_port, kill};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn file(plane: &Plane) -> String {
    fs::read_to_string(plane.data().join("livery.toml")).unwrap_or_default()
}

fn write(plane: &Plane, text: &str) {
    fs::create_dir_all(plane.data()).unwrap();
    fs::write(plane.data().join("livery.toml"), text).unwrap();
}

/// Runs a command that starts a control plane when it finds none.
fn run_and_start(plane: &Plane, arguments: &[&str]) -> Ran {
    let mut command = plane.command(arguments);
    command.env_remove("LIVERY_NO_START");
    Ran::new(command.output().unwrap())
}

/// Waits until the threads of a process that was killed have let go of its port.
fn nobody_listens(address: &str) {
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(
            began.elapsed().as_secs() < 30,
            "somebody listens on {address}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_control_plane_that_the_next_command_starts_has_the_settings_of_the_last() {
    let plane = Plane::new();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let start = [
        "serve",
        "--detach",
        "--save",
        "--no-host",
        "--listen",
        &address,
    ];
    plane.run(&start).expect(0).says(&["livery.toml"]);
    let mode = fs::metadata(plane.data().join("livery.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    kill(plane.pid().unwrap());
    nobody_listens(&address);
    run_and_start(&plane, &["pods"])
        .expect(0)
        .says(&["started a control plane without a host agent"]);
    TcpStream::connect(&address).unwrap();
}

#[test]
fn what_is_not_saved_is_said_and_forgotten() {
    let plane = Plane::new();
    let address = format!("127.0.0.1:{}", free_port());
    write(&plane, "no-host = true\n");
    plane
        .run(&["serve", "--detach", "--listen", &address])
        .expect(0)
        .says(&["for this start alone: --listen", "--save"]);
    TcpStream::connect(&address).unwrap();
    plane.run(&["config", "list"]).expect(0).says(&[
        "was started with",
        &format!("--listen={address}"),
        "holds until it ends",
    ]);
    plane
        .run(&["serve", "--detach", "--save", "--listen", &address])
        .expect(2)
        .says(&["runs here already", "livery config set"]);
    assert_eq!(file(&plane), "no-host = true\n");
    kill(plane.pid().unwrap());
    run_and_start(&plane, &["pods"]).expect(0);
    nobody_listens(&address);
}

#[test]
fn a_start_that_fails_keeps_nothing() {
    let plane = Plane::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let flags = ["serve", "--save", "--no-host", "--listen", &address];
    plane.run(&flags).expect(2).says(&["cannot listen"]);
    plane.run(&[&flags[..], &["--detach"]].concat()).expect(1);
    assert_eq!(file(&plane), "");
}

#[test]
fn settings_are_listed_with_where_they_come_from() {
    let plane = Plane::new();
    write(
        &plane,
        "# ours\nprice = 0.36\ndatabase = \"postgres://ada:hidden@db/livery\"\nlisten = [7070, 7071]\n",
    );
    let all = plane.run(&["config", "list", "--json"]).expect(0).json();
    let find = |key: &str| {
        let found = all.as_array().unwrap().iter().find(|one| one["key"] == key);
        let found = found.unwrap();
        (
            found["values"].to_string(),
            found["from"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(find("price"), ("[\"0.36\"]".into(), "livery.toml:2".into()));
    let listen = ("[\"7070\",\"7071\"]".to_owned(), "livery.toml:4".to_owned());
    assert_eq!(find("listen"), listen);
    assert_eq!(find("tier"), ("[\"local\"]".into(), "default".into()));
    assert_eq!(find("max-cpus"), ("[]".into(), "default".into()));
    assert_eq!(find("owner"), ("[]".into(), "default".into()));
    for shown in [
        plane.run(&["config", "list"]).expect(0).out,
        plane.run(&["config", "get", "database"]).expect(0).out,
        all.to_string(),
    ] {
        assert!(
            shown.contains("ada:***@db") && !shown.contains("hidden"),
            "{shown}"
        );
    }
    assert_eq!(
        plane.run(&["config", "get", "listen"]).expect(0).out,
        "7070\n7071\n"
    );
    let ran = plane.run(&["config", "get", "lisen"]).expect(2);
    ran.says(&["there is no setting `lisen`", "did you mean `listen`?"]);
}

#[test]
fn set_and_unset_change_one_line_and_say_when_it_holds() {
    let plane = Plane::new();
    let set = |arguments: &[&str]| plane.run(&[&["config", "set"][..], arguments].concat());
    set(&["no-host", "true"]).expect(0).says(&["livery.toml"]);
    set(&["price", "0.36"]).expect(0);
    let first = file(&plane);
    assert!(first.ends_with("no-host = true\nprice = 0.36\n"), "{first}");
    set(&["price", "-1"]).expect(2).says(&["not negative"]);
    set(&["pirce", "1"])
        .expect(2)
        .says(&["did you mean `price`?"]);
    set(&["price", "1", "2"]).expect(2).says(&["one value"]);
    set(&["host-socket", "h.sock"])
        .expect(2)
        .says(&["exclude each other", "livery config edit"]);
    assert_eq!(file(&plane), first, "nothing of it is written");
    set(&["price", "0.36"])
        .expect(0)
        .says(&["nothing was changed"]);
    plane.run(&["serve", "--detach"]).expect(0);
    let pid = plane.pid().unwrap().to_string();
    set(&["region", "in the cellar"])
        .expect(0)
        .says(&["written", &pid, "livery serve --stop"]);
    assert!(file(&plane).ends_with("region = \"in the cellar\"\n"));
    plane.run(&["config", "unset", "region"]).expect(0);
    assert_eq!(file(&plane), first);
    plane
        .run(&["config", "unset", "region"])
        .expect(0)
        .says(&["not set"]);
}

#[test]
fn every_command_says_that_the_file_is_wrong_and_edit_mends_it() {
    let plane = Plane::new();
    write(&plane, "no-host = true\n");
    run_and_start(&plane, &["pods"]).expect(0);
    write(&plane, "no-host = true\npirce = 1\n");
    let place = "livery.toml:2:1: there is no setting `pirce`";
    let all = [place, "did you mean `price`?", "livery config edit"];
    // What runs goes on, and answers.
    plane.run(&["pods"]).expect(0).says(&all);
    plane.run(&["serve", "--stop"]).expect(0);
    run_and_start(&plane, &["pods"]).expect(2).says(&all);
    for command in [
        "serve",
        "serve --detach",
        "host",
        "config list",
        "config get price",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        plane.run(&words).expect(2).says(&all);
    }
    edit(&plane, "sed -i s/pirce/price/")
        .expect(0)
        .says(&["written"]);
    assert_eq!(file(&plane), "no-host = true\nprice = 1\n");
    run_and_start(&plane, &["pods"]).expect(0);
}

/// Runs `livery config edit` with an editor.
fn edit(plane: &Plane, editor: &str) -> Ran {
    let mut command = plane.command(&["config", "edit"]);
    command.env("EDITOR", editor).stdin(Stdio::null());
    Ran::new(command.output().unwrap())
}

#[test]
fn an_edit_is_checked_and_put_in_place_whole_or_not_at_all() {
    let plane = Plane::new();
    // The first time it shows every setting, commented out.
    edit(&plane, "grep -q '#price = \"0\"'").expect(0);
    assert_eq!(file(&plane), "", "nothing was written, so nothing is");
    edit(&plane, "sh -c 'echo region = 1 >> \"$0\"'").expect(0);
    assert!(file(&plane).ends_with("region = 1\n"), "{}", file(&plane));
    write(&plane, "price = 1\n");
    edit(&plane, "sed -i s/1/minus/")
        .expect(2)
        .says(&["livery.toml:1:9", "nothing was changed"]);
    edit(&plane, "false")
        .expect(1)
        .says(&["editor", "nothing was changed"]);
    edit(&plane, "/no/such/editor").expect(1).says(&["EDITOR="]);
    edit(&plane, "true")
        .expect(0)
        .says(&["nothing was changed"]);
    assert_eq!(file(&plane), "price = 1\n");
    // Two who edit at the same time do not lose each other's work unseen.
    let path = plane.data().join("livery.toml");
    let both = format!(
        "sh -c 'echo price = 2 > {}; echo price = 3 > \"$0\"'",
        path.display()
    );
    edit(&plane, &both).expect(1).says(&["changed by another"]);
    assert_eq!(file(&plane), "price = 2\n");
    let names = fs::read_dir(plane.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["livery.toml"],
        "no copy is left"
    );
}

#[test]
fn a_host_agent_of_its_own_comes_back_with_its_settings() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: a host agent needs root");
        return;
    }
    let plane = Plane::new();
    let start = ["host", "--detach", "--save", "--region", "cellar"];
    plane.run(&start).expect(0).says(&["livery.toml"]);
    plane
        .run(&["config", "list"])
        .expect(0)
        .says(&["--region=cellar"]);
    plane.run(&["host", "--stop"]).expect(0);
    plane.run(&["host", "--detach"]).expect(0);
    let socket = plane.data().join("host.sock");
    let socket = socket.to_str().unwrap();
    plane
        .run(&["config", "set", "host-socket", socket])
        .expect(0);
    let offers = run_and_start(&plane, &["offers", "--json"]).expect(0);
    assert_eq!(offers.json()[0]["region"], "cellar");
    plane.run(&["serve", "--stop"]).expect(0);
    plane.run(&["host", "--stop"]).expect(0);
}

#[test]
fn a_flag_that_would_do_nothing_is_refused() {
    let plane = Plane::new();
    plane
        .run(&["serve", "--no-host", "--price", "1"])
        .expect(2)
        .says(&["--price", "livery host"]);
}

#[test]
fn a_file_that_cannot_be_one_is_refused_at_once() {
    let plane = Plane::new();
    let path = plane.data().join("livery.toml");
    fs::create_dir_all(&path).unwrap();
    run_and_start(&plane, &["pods"])
        .expect(2)
        .says(&["no regular file"]);
    fs::remove_dir(&path).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    run_and_start(&plane, &["pods"])
        .expect(2)
        .says(&["no regular file"]);
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"\xff").unwrap();
    run_and_start(&plane, &["pods"]).expect(2).says(&["UTF-8"]);
}
