//! What HTTP receivers get, and what their answers mean.

use crate::receiver::{Answer, Receiver};
use crate::{letter, now};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use livery_domain::reminder::{NoticeKind, Route};
use livery_notify::{Error, Reach, check, send};
use livery_units::{Secret, Span};
use sha2::Sha256;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

fn secret(text: impl Into<String>) -> Secret<String> {
    Secret::new(text.into())
}

async fn carry(route: &Route, kind: NoticeKind) -> Result<String, Error> {
    send(route, &letter(kind), Reach::Anywhere, now()).await
}

#[tokio::test]
async fn slack_gets_its_text_with_its_marks_escaped() {
    let receiver = Receiver::start(Answer::of(200)).await;
    let url = secret(receiver.url("/services/T/B/x"));
    carry(&Route::Slack { url }, NoticeKind::StillRunning)
        .await
        .unwrap();
    let got = receiver.got().remove(0);
    assert_eq!(got.path, "/services/T/B/x");
    assert_eq!(got.header("content-type"), "application/json");
    let text = "*Livery: a pod is still running*\npod &lt;train&gt; &amp; @everyone has run for 2h — \
                $1.38 so far";
    assert_eq!(got.json(), serde_json::json!({ "text": text }));
}

#[tokio::test]
async fn discord_gets_a_message_that_calls_nobody() {
    let receiver = Receiver::start(Answer::of(204)).await;
    let url = secret(receiver.url("/api/webhooks/1/x?wait=true"));
    carry(&Route::Discord { url }, NoticeKind::Idle)
        .await
        .unwrap();
    let got = receiver.got().remove(0);
    assert_eq!(got.path, "/api/webhooks/1/x?wait=true");
    let json = got.json();
    assert_eq!(json["allowed_mentions"], serde_json::json!({ "parse": [] }));
    let content = json["content"].as_str().unwrap();
    assert!(
        content.starts_with("**Livery: nobody uses a pod**\npod <train>"),
        "{content}"
    );
}

#[tokio::test]
async fn ntfy_gets_the_message_with_title_priority_and_a_sequence_id() {
    let receiver = Receiver::start(Answer::of(200)).await;
    let route = Route::Ntfy {
        url: secret(receiver.url("/livery-alerts")),
        token: Some(secret("tk_abc")),
    };
    for (kind, priority) in [
        (NoticeKind::Started, "default"),
        (NoticeKind::BudgetMark, "high"),
        (NoticeKind::LastWarning, "urgent"),
    ] {
        carry(&route, kind).await.unwrap();
        let got = receiver.got().pop().unwrap();
        assert_eq!(got.path, "/livery-alerts");
        assert_eq!(got.header("x-priority"), priority);
        assert_eq!(got.header("authorization"), "Bearer tk_abc");
        assert_eq!(got.header("x-sequence-id"), letter(kind).id);
        assert_eq!(got.header("x-title"), letter(kind).title);
        assert_eq!(String::from_utf8(got.body).unwrap(), letter(kind).message);
    }
}

#[tokio::test]
async fn a_webhook_gets_json_that_its_signature_proves() {
    let receiver = Receiver::start(Answer::of(202)).await;
    let key = base64::engine::general_purpose::STANDARD.encode([7_u8; 32]);
    let route = Route::Webhook {
        url: secret(receiver.url("/hook")),
        secret: Some(secret(format!("whsec_{key}"))),
    };
    carry(&route, NoticeKind::StillRunning).await.unwrap();
    let got = receiver.got().remove(0);
    let letter = letter(NoticeKind::StillRunning);
    assert_eq!(
        got.json(),
        serde_json::json!({
            "id": letter.id, "type": "still-running", "title": letter.title,
            "message": letter.message, "pod": letter.pod, "timestamp": "2025-06-01T12:30:05Z",
        })
    );
    assert_eq!(got.header("webhook-id"), letter.id);
    assert_eq!(got.header("idempotency-key"), letter.id);
    let mut mac = Hmac::<Sha256>::new_from_slice(&[7_u8; 32]).unwrap();
    let signed = format!("{}.{}.", letter.id, got.header("webhook-timestamp"));
    mac.update(signed.as_bytes());
    mac.update(&got.body);
    let signature = got.header("webhook-signature").strip_prefix("v1,").unwrap();
    let signature = base64::engine::general_purpose::STANDARD.decode(signature);
    mac.verify_slice(&signature.unwrap()).unwrap();
}

#[tokio::test]
async fn a_repeated_letter_carries_the_same_id() {
    let receiver = Receiver::start(Answer::of(200)).await;
    let route = Route::Webhook {
        url: secret(receiver.url("/")),
        secret: None,
    };
    for _ in 0..2 {
        carry(&route, NoticeKind::Idle).await.unwrap();
    }
    let got = receiver.got();
    assert_eq!(
        got[0].header("idempotency-key"),
        got[1].header("idempotency-key")
    );
    assert!(!got[0].header("idempotency-key").is_empty());
    assert_eq!(got[0].header("webhook-signature"), "");
}

async fn answered(answer: Answer) -> Result<String, Error> {
    let receiver = Receiver::start(answer).await;
    let url = secret(receiver.url("/secret-path"));
    let result = carry(&Route::Slack { url }, NoticeKind::Idle).await;
    if let Err(error) = &result {
        assert!(!error.to_string().contains("secret-path"), "{error}");
    }
    assert_eq!(receiver.got().len(), 1);
    result
}

#[tokio::test]
async fn a_busy_receiver_says_when_to_come_again() {
    let busy = Answer {
        headers: vec![("retry-after", "7".to_owned())],
        ..Answer::of(429)
    };
    let error = answered(busy).await.unwrap_err();
    assert_eq!(error.wait(), Some(Span::from_secs(7)));
    assert_eq!(error.code(), "NTC004");
    let error = answered(Answer::of(500)).await.unwrap_err();
    assert_eq!((error.wait(), error.is_final()), (None, false));
}

#[tokio::test]
async fn a_receiver_that_refuses_is_not_asked_again() {
    let gone = Answer {
        body: b"no_service\x1b[2J".to_vec(),
        ..Answer::of(404)
    };
    let error = answered(gone).await.unwrap_err();
    assert!(error.is_final());
    assert_eq!(
        error.to_string(),
        "the server answered 404 Not Found: no_service\u{fffd}[2J"
    );
}

#[tokio::test]
async fn a_receiver_that_repeats_what_it_was_asked_gives_no_secret_away() {
    let echo = |status, body: &str| Answer {
        body: body.as_bytes().to_vec(),
        ..Answer::of(status)
    };
    let error = answered(echo(404, "Cannot POST /secret-path")).await;
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "the server answered 404 Not Found: Cannot POST ***");
    let said = answered(echo(200, "took SECRET-PATH")).await.unwrap();
    assert_eq!(said, "the server answered 200 OK: took ***");
    // A part that is cut off where the answer is.
    let long = format!("{}secret-path", "x".repeat(150));
    let error = answered(echo(500, &long)).await.unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");

    let receiver = Receiver::start(echo(403, "token tk_0123456789 is not known")).await;
    let route = Route::Ntfy {
        url: secret(receiver.url("/topic")),
        token: Some(secret("tk_0123456789")),
    };
    let error = carry(&route, NoticeKind::Idle).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server answered 403 Forbidden: token *** is not known"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Receiver::start(Answer::of(200)).await;
    let redirect = Answer {
        headers: vec![("location", elsewhere.url("/"))],
        ..Answer::of(307)
    };
    let error = answered(redirect).await.unwrap_err();
    assert!(error.is_final());
    assert!(elsewhere.got().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_read_no_further_than_is_shown() {
    let long = Answer {
        body: vec![b'a'; 4 << 20],
        ..Answer::of(200)
    };
    let said = answered(long).await.unwrap();
    assert!(said.len() < 300, "{}", said.len());
}

#[tokio::test]
async fn nobody_there_and_a_broken_connection_may_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = secret(format!("http://127.0.0.1:{port}/"));
    let route = Route::Slack { url };
    let sending = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 2").await.unwrap();
    });
    let error = carry(&route, NoticeKind::Idle).await.unwrap_err();
    assert_eq!(error.code(), "NTC003", "{error}");
    sending.await.unwrap();
    let error = carry(&route, NoticeKind::Idle).await.unwrap_err();
    assert_eq!(error.code(), "NTC003", "{error}");
}

#[tokio::test]
async fn others_than_the_owner_reach_nothing_on_this_machine() {
    let receiver = Receiver::start(Answer::of(200)).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let url = secret(format!("http://{host}:{}/", receiver.port));
        let route = Route::Webhook { url, secret: None };
        let letter = letter(NoticeKind::Idle);
        let error = send(&route, &letter, Reach::Public, now())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "NTC002", "{host}");
    }
    let url = secret(receiver.url("/"));
    let route = Route::Webhook { url, secret: None };
    assert_eq!(check(&route, Reach::Public).unwrap_err().code(), "NTC002");
    assert_eq!(check(&route, Reach::Anywhere), Ok(()));
    assert!(receiver.got().is_empty());
}

#[test]
fn channels_that_cannot_work_are_refused_before_they_are_kept() {
    for url in [
        "https://ntfy.sh",
        "https://ntfy.sh/",
        "https://ntfy.sh/a b",
        "https://ntfy.sh/ä",
    ] {
        let route = Route::Ntfy {
            url: secret(url),
            token: None,
        };
        assert_eq!(
            check(&route, Reach::Public).unwrap_err().code(),
            "NTC001",
            "{url}"
        );
    }
    let route = Route::Ntfy {
        url: secret("https://ntfy.sh/topic"),
        token: Some(secret("a\nb")),
    };
    assert_eq!(check(&route, Reach::Public).unwrap_err().code(), "NTC001");
    let route = Route::Webhook {
        url: secret("https://hooks.example/"),
        secret: Some(secret("short")),
    };
    assert_eq!(check(&route, Reach::Public).unwrap_err().code(), "NTC001");
    assert_eq!(
        check(&Route::Desktop, Reach::Public).unwrap_err().code(),
        "NTC002"
    );
}
