//! What is a control plane's own: its directory, its files, its database, and what it says on the network.

use super::plane::{Plane, Ran};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

const START: [&str; 3] = ["serve", "--detach", "--no-host"];

/// Makes the data directory with a mode, and a file in it.
fn prepared(mode: u32) -> Plane {
    let plane = Plane::new();
    fs::create_dir(plane.data()).unwrap();
    fs::write(plane.data().join("notes"), "mine").unwrap();
    set_mode(&plane.data(), mode);
    plane
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Returns everything under a directory, without what links lead to.
fn under(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match fs::symlink_metadata(&path).unwrap().is_dir() {
            true => found.extend(under(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn an_open_data_directory_is_closed_and_so_is_all_that_comes_into_it() {
    let plane = prepared(0o755);
    fs::remove_file(plane.data().join("notes")).unwrap();
    let serve = plane.command(&START);
    // Nothing depends on the mask that it is started with.
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    command.arg(serve.get_program()).args(serve.get_args());
    command.current_dir(plane.work()).env_clear();
    let set = serve
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    let ran = Ran::new(command.output().unwrap()).expect(0);
    ran.says(&["was open to other users (its mode was 0755)"]);
    plane.run(&["token", "create", "a"]).expect(0);
    let all = under(&plane.data());
    assert!(all.len() > 5, "{all:?}");
    for path in all {
        assert_eq!(
            mode(&path) & 0o077,
            0,
            "{}: {:o}",
            path.display(),
            mode(&path)
        );
    }
    plane.run(&["serve", "--stop"]).expect(0);
    let again = plane.run(&START).expect(0);
    assert!(!again.err.contains("was open"), "{}", again.err);
}

#[test]
fn a_data_directory_that_others_may_write_or_own_is_refused() {
    let plane = prepared(0o777);
    let refused = plane.run(&START).expect(2);
    refused.says(&["other users may write", "0777", "chmod 700"]);
    assert_eq!(mode(&plane.data()), 0o777);
    // In an empty one there is nothing to mistrust: many users' masks let their group write.
    fs::remove_file(plane.data().join("notes")).unwrap();
    set_mode(&plane.data(), 0o775);
    plane.run(&START).expect(0);
    assert_eq!(mode(&plane.data()), 0o700);

    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root gives directories away");
        return;
    }
    let plane = prepared(0o700);
    chown(plane.data(), Some(54_321), None).unwrap();
    let refused = plane.run(&START).expect(2);
    refused.says(&["belongs to user 54321", "--data-dir"]);
}

#[test]
fn a_file_that_is_no_database_of_ours_is_never_taken_for_a_new_one() {
    let plane = prepared(0o700);
    for (text, why) in [("", "is empty"), ("my notes\n", "is no SQLite database")] {
        fs::write(plane.data().join("livery.db"), text).unwrap();
        let refused = plane.run(&START).expect(1);
        refused.says(&["livery.db", why, "restore yours from a backup"]);
    }
    let kept = fs::read_to_string(plane.data().join("livery.db")).unwrap();
    assert_eq!(kept, "my notes\n");
}

#[test]
fn plain_http_to_other_machines_is_spoken_only_when_it_is_wanted() {
    let plane = Plane::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.7:7070"] {
        let refused = plane.run(&["serve", "--listen", address]).expect(2);
        refused.says(&["plain HTTP", address, "--plain-http", "TLS"]);
    }
    let wanted = [
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "0.0.0.0:0",
        "--plain-http",
    ];
    plane.run(&[&START[..], &wanted].concat()).expect(0);
    let log = fs::read_to_string(plane.data().join("serve.log")).unwrap();
    assert!(log.contains("plain HTTP, as was asked for"), "{log}");
}
