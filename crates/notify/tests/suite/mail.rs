//! Mail, taken by a real SMTP server.

use crate::certificate::Certificate;
use crate::{letter, now};
use livery_domain::reminder::{Mail, MailLogin, MailSecurity, NoticeKind, Route};
use livery_notify::{Error, Reach, check, send};
use livery_units::Secret;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Debian's Python has Debian's SMTP server.
const PYTHON: &str = "/usr/bin/python3";

struct Server {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Starts one, and has this process trust its certificate.
    async fn start(security: MailSecurity, answer: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Certificate::make(dir.path());
        // SAFETY: each test is a process of its own, and nothing else reads its environment now.
        unsafe { std::env::set_var("SSL_CERT_FILE", &made.authority) };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/smtp_server.py");
        let mut child = Command::new(PYTHON)
            .args([script, security.as_str()])
            .args([&made.certificate, &made.key])
            .arg(answer)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 and python3-aiosmtpd are installed by scripts/install test");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .next_line()
            .await
            .unwrap()
            .expect("the server says its port");
        Self {
            _child: child,
            lines,
            port: port.parse().unwrap(),
            _dir: dir,
        }
    }

    async fn mail(&mut self) -> serde_json::Value {
        let line = self.lines.next_line().await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

fn mail(port: u16, security: MailSecurity, password: Option<&str>) -> Mail {
    Mail {
        server: "localhost".to_owned(),
        port,
        security,
        login: password.map(|password| MailLogin {
            user: "me".to_owned(),
            password: Secret::new(password.to_owned()),
        }),
        from: "livery@mail.example".to_owned(),
        to: "me@mail.example".to_owned(),
    }
}

async fn carry(mail: Mail) -> Result<String, Error> {
    let letter = letter(NoticeKind::StillRunning);
    send(&Route::Email(mail), &letter, Reach::Anywhere, now()).await
}

#[tokio::test]
async fn mail_in_the_clear_reaches_a_server_on_this_machine() {
    let mut server = Server::start(MailSecurity::None, "-").await;
    let said = carry(mail(server.port, MailSecurity::None, None))
        .await
        .unwrap();
    assert_eq!(said, "the mail server answered 250 2.0.0 kept");
    let got = server.mail().await;
    assert_eq!(got["from"], "livery@mail.example");
    assert_eq!(got["to"], serde_json::json!(["me@mail.example"]));
    let content = got["content"].as_str().unwrap();
    let id = letter(NoticeKind::StillRunning).id;
    for line in [
        "Subject: Livery: a pod is still running\r\n",
        &format!("Message-ID: <{id}@mail.example>\r\n"),
        "Auto-Submitted: auto-generated\r\n",
        "To: me@mail.example\r\n",
        "so far",
    ] {
        assert!(content.contains(line), "{line} in {content}");
    }
}

#[tokio::test]
async fn mail_goes_over_tls_from_the_first_byte_or_after_a_greeting() {
    for security in [MailSecurity::StartTls, MailSecurity::Tls] {
        let mut server = Server::start(security, "-").await;
        let login = match security {
            MailSecurity::StartTls => Some("pass word"),
            MailSecurity::Tls | MailSecurity::None => None,
        };
        carry(mail(server.port, security, login)).await.unwrap();
        let got = server.mail().await;
        let user = login.map_or("", |_| "me");
        assert_eq!(got["user"], user, "{security}");
        if security == MailSecurity::StartTls {
            assert_eq!(got["tls"], true);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_repeated() {
    let server = Server::start(MailSecurity::StartTls, "-").await;
    let error = carry(mail(server.port, MailSecurity::StartTls, Some("hunter2"))).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "NTC005", "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_that_repeats_the_password_gives_it_not_away() {
    let server = Server::start(MailSecurity::StartTls, "550 not with pass word").await;
    let carried = carry(mail(server.port, MailSecurity::StartTls, Some("pass word")));
    let error = carried.await.unwrap_err().to_string();
    assert!(error.contains("not with ***"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_gets_neither_mail_nor_password() {
    let server = Server::start(MailSecurity::None, "-").await;
    let error = carry(mail(server.port, MailSecurity::StartTls, Some("pass word"))).await;
    let error = error.unwrap_err();
    assert!(!error.is_final(), "{error}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    let server = Server::start(MailSecurity::Tls, "-").await;
    let dir = tempfile::tempdir().unwrap();
    let other = Certificate::make(dir.path());
    // SAFETY: each test is a process of its own, and nothing else reads its environment now.
    unsafe { std::env::set_var("SSL_CERT_FILE", &other.authority) };
    let error = carry(mail(server.port, MailSecurity::Tls, None))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "NTC003", "{error}");
}

#[tokio::test]
async fn passing_and_final_answers_are_told_apart() {
    for (answer, code) in [("451 4.3.0 later", "NTC004"), ("550 5.7.1 never", "NTC005")] {
        let server = Server::start(MailSecurity::None, answer).await;
        let error = carry(mail(server.port, MailSecurity::None, None))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(&answer[4..]), "{error}");
    }
}

#[tokio::test]
async fn mail_that_cannot_be_sent_is_refused_before_it_is_kept() {
    let fine = || mail(25, MailSecurity::StartTls, None);
    for (wrong, reach) in [
        (
            Mail {
                to: "me".to_owned(),
                ..fine()
            },
            Reach::Anywhere,
        ),
        (
            Mail {
                to: "a@b.example, c@d.example".to_owned(),
                ..fine()
            },
            Reach::Anywhere,
        ),
        (
            Mail {
                from: "a@b\r\nBcc: c@d".to_owned(),
                ..fine()
            },
            Reach::Anywhere,
        ),
        (
            Mail {
                server: String::new(),
                ..fine()
            },
            Reach::Anywhere,
        ),
        (Mail { port: 0, ..fine() }, Reach::Anywhere),
        (
            Mail {
                server: "10.0.0.1".to_owned(),
                ..fine()
            },
            Reach::Public,
        ),
    ] {
        let found = check(&Route::Email(wrong.clone()), reach);
        assert!(found.unwrap_err().is_final(), "{wrong:?}");
    }
    assert_eq!(check(&Route::Email(fine()), Reach::Anywhere), Ok(()));
    let (route, letter) = (Route::Email(fine()), letter(NoticeKind::Idle));
    let error = send(&route, &letter, Reach::Public, now())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "NTC002", "{error}");
}
