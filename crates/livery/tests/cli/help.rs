//! What help says, kept word for word, and completions.

use super::plane::{Plane, same_as_kept};

/// Every command that has a help of its own.
const COMMANDS: &[&str] = &[
    "run",
    "run show",
    "runs",
    "logs",
    "results",
    "cancel",
    "pods",
    "pods show",
    "pod",
    "pod create",
    "pod stop",
    "pod start",
    "pod terminate",
    "pod policy",
    "exec",
    "shell",
    "forward",
    "offers",
    "gpus",
    "compare",
    "estimate",
    "buy-or-rent",
    "advise",
    "catalog",
    "catalog update",
    "orphans",
    "orphans end",
    "panic",
    "volume",
    "volume create",
    "volume list",
    "volume show",
    "volume resize",
    "volume delete",
    "volumes",
    "balance",
    "bill",
    "spend",
    "redeem",
    "account",
    "account set",
    "voucher",
    "reminders",
    "reminders add",
    "registry",
    "registry login",
    "registry list",
    "registry logout",
    "serve",
    "host",
    "config",
    "config set",
    "doctor",
    "token",
    "schema",
    "completions",
    "debug",
    "version",
];

#[test]
fn the_help_of_every_command_is_kept() {
    let plane = Plane::new();
    let mut all = plane.run(&["--help"]).expect(0).out;
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("-h");
        let help = plane.run(&arguments).expect(0).out;
        all.push_str(&format!("\n=== livery {command}\n\n{help}"));
    }
    same_as_kept("help.txt", &all);
}

#[test]
fn every_shell_gets_completions_that_name_the_commands() {
    let plane = Plane::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = plane.run(&["completions", shell]).expect(0).out;
        for command in ["offers", "terminate", "completions"] {
            assert!(text.contains(command), "{shell} lacks {command}");
        }
    }
}

#[test]
fn bash_takes_the_completions() {
    let plane = Plane::new();
    let script = format!(
        "source <({} completions bash) && complete -p livery",
        env!("CARGO_BIN_EXE_livery")
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output();
    match output {
        Ok(output) => {
            let ran = super::plane::Ran::new(output).expect(0);
            assert!(ran.out.contains("livery"), "{}", ran.out);
        }
        Err(why) => println!("skipped: there is no bash here ({why})"),
    }
    drop(plane);
}

#[test]
fn the_schema_of_job_files_is_a_json_schema() {
    let plane = Plane::new();
    let schema = plane.run(&["schema", "job"]).expect(0).json();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert!(schema["properties"]["run"].is_object());
}
