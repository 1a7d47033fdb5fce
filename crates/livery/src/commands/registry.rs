//! `livery registry`

use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::terminal;
use crate::ui::table::Table;
use crate::ui::{listing, print_json, say};
use livery_api::dto::{NewRegistryLogin, RegistryLogin};
use livery_domain::registry::{BadRegistry, Credentials, RegistryName};
use livery_units::Secret;
use std::io::{IsTerminal, Read};

/// More than any password has; what is longer is refused for its length.
const PASSWORD_STDIN_MAX: u64 = 64 << 10;

/// Log in to registries whose images are private, list those logins and log out.
///
/// A login belongs to your account. It is kept by the control plane and handed to the host that
/// pulls an image of that registry for one of your pods, and to nobody else. The owner of a control
/// plane is also known by what `docker login` has left on its machine.
#[derive(Debug, clap::Args)]
pub struct RegistryArgs {
    #[command(subcommand)]
    command: RegistryCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RegistryCommand {
    Login(LoginArgs),
    /// List the registries that you are logged in to; passwords are never shown
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Log out: pods that are made from now on pull without a password. Images that a host has for
    /// you already stay usable there
    Logout {
        /// The registry, such as ghcr.io [default: docker.io]
        #[arg(value_name = "REGISTRY")]
        registry: Option<RegistryName>,
    },
}

/// Log in, as with `docker login`: the password, or an access token in its place, is asked for at
/// the terminal or read from standard input. It is tried when a pod first needs it.
///
/// A login at the same registry is replaced.
#[derive(Debug, clap::Args)]
struct LoginArgs {
    /// The registry, such as ghcr.io or registry.example:5000 [default: docker.io]
    #[arg(value_name = "REGISTRY")]
    registry: Option<RegistryName>,
    /// Your user name there; asked for when it is left out
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
}

/// Runs the command.
pub async fn run(args: RegistryArgs, settings: &Settings) -> anyhow::Result<Ending> {
    match args.command {
        RegistryCommand::Login(args) => login(args, settings).await?,
        RegistryCommand::List { json } => {
            let client = connect::client(settings).await?;
            let logins = client.registry_logins().await?.logins;
            match json {
                true => print_json(&logins)?,
                false => table(logins).print()?,
            }
        }
        RegistryCommand::Logout { registry } => {
            let registry = registry.unwrap_or_default();
            let client = connect::client(settings).await?;
            client.registry_logout(registry.as_str()).await?;
            say(&format!("logged out of {registry}"));
        }
    }
    Ok(Ending::Done)
}

async fn login(args: LoginArgs, settings: &Settings) -> anyhow::Result<()> {
    let registry = args.registry.clone().unwrap_or_default();
    let credentials = credentials(args)?;
    let refused = |why: BadRegistry| Failure::mistake(why.to_string());
    credentials.check().map_err(refused)?;
    let client = connect::client(settings).await?;
    let new = NewRegistryLogin {
        registry: Some(registry.to_string()),
        username: credentials.username,
        password: credentials.password.expose().clone(),
    };
    let login = client.registry_login(&new).await?;
    say(&format!(
        "logged in to {} as {}; pods that are made from now on pull with it",
        login.registry, login.username
    ));
    Ok(())
}

fn table(logins: Vec<RegistryLogin>) -> Table {
    let now = listing::now();
    let mut table = Table::new(["REGISTRY", "USER", "SINCE"]);
    for login in logins {
        let since = listing::ago(login.created, now);
        table.row([login.registry, login.username, since]);
    }
    table
}

/// Takes name and password from where they are given: never from the command line, which every user
/// of the machine can read.
fn credentials(args: LoginArgs) -> anyhow::Result<Credentials> {
    if args.password_stdin {
        return Ok(Credentials {
            username: args.username.unwrap_or_default(),
            password: password_from(std::io::stdin().lock())?,
        });
    }
    if !std::io::stdin().is_terminal() {
        let message = "there is no terminal to ask for the password at";
        let hint =
            "use `--username NAME --password-stdin` and write the password to standard input";
        return Err(Failure::mistake(message).hint(hint).into());
    }
    let username = match args.username {
        Some(username) => username,
        None => terminal::ask("user name: ")?,
    };
    let password = terminal::ask_secret("password: ")?;
    Ok(Credentials { username, password })
}

/// Reads all of it but one line end: a key may have several lines.
fn password_from(mut input: impl Read) -> anyhow::Result<Secret<String>> {
    let mut text = String::new();
    input
        .by_ref()
        .take(PASSWORD_STDIN_MAX)
        .read_to_string(&mut text)?;
    let bare = text.strip_suffix('\n').unwrap_or(&text);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    Ok(Secret::new(bare.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_as_it_is_but_for_its_last_line_end() {
        for (text, password) in [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            (" hunter2 \n\n", " hunter2 \n"),
            ("{\n  \"key\": 1\n}\n", "{\n  \"key\": 1\n}"),
            ("", ""),
        ] {
            let read = password_from(text.as_bytes()).unwrap();
            assert_eq!(read.expose(), password);
        }
    }
}
