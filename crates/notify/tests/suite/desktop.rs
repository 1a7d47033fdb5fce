//! The desktop, as a notification daemon on a message bus of its own sees it.

use crate::{letter, now};
use livery_domain::reminder::{NoticeKind, Route};
use livery_notify::{Reach, send};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// A message bus, and its address.
async fn bus() -> (Child, String) {
    let mut child = Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--print-address"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("dbus is installed by scripts/install test");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap().unwrap();
    (child, address)
}

#[tokio::test]
async fn a_letter_is_shown_on_the_desktop() {
    let (_bus, address) = bus().await;
    // SAFETY: each test is a process of its own, and nothing else reads its environment now.
    unsafe { std::env::set_var("DBUS_SESSION_BUS_ADDRESS", &address) };
    let letter = letter(NoticeKind::LastWarning);
    let refused = send(&Route::Desktop, &letter, Reach::Anywhere, now()).await;
    let error = refused.unwrap_err();
    assert_eq!(
        error.code(),
        "NTC003",
        "nobody shows notifications yet: {error}"
    );

    let mut daemon = Command::new("/usr/bin/python3")
        .args(["-m", "dbusmock", "--template", "notification_daemon"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .expect("python3-dbusmock is installed by scripts/install test");
    let mut said = daemon.stdout.take().unwrap();
    loop {
        match send(&Route::Desktop, &letter, Reach::Anywhere, now()).await {
            Ok(said) => break assert_eq!(said, "shown on the desktop"),
            // It is not on the bus yet.
            Err(error) => assert_eq!(error.code(), "NTC003", "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon has ended");
    }
    let mut text = String::new();
    let mut piece = [0_u8; 4_096];
    while !text.contains("so far") {
        let count = said.read(&mut piece).await.unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    assert!(
        text.contains("Livery: volumes are about to be deleted"),
        "{text}"
    );
    assert!(text.contains("pod &lt;train&gt; &amp; @everyone"), "{text}");
    assert!(text.contains("urgency"), "{text}");
}

#[tokio::test]
async fn without_a_desktop_it_is_said_what_is_missing() {
    // SAFETY: each test is a process of its own, and nothing else reads its environment now.
    unsafe { std::env::set_var("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus") };
    let letter = letter(NoticeKind::Idle);
    let error = send(&Route::Desktop, &letter, Reach::Anywhere, now())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "NTC003", "{error}");
    assert!(!error.is_final());
}
