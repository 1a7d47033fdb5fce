//! What accounts have of their own over TCP: files and tokens.

mod served;

use http::StatusCode;
use livery_content::Compression;
use served::{OTHERS_TOKEN, OWNERS_TOKEN, Served};

#[tokio::test]
async fn the_files_of_one_account_are_nothing_to_another() {
    let served = Served::start().await;
    let bytes = b"the owner's secret weights".to_vec();
    let hash = livery_content::hash_bytes(&bytes);
    let name = hash.as_bytes().to_vec();
    let frame = livery_content::Frame::pack(hash, bytes.clone().into(), Compression::Never);
    let mut framed = Vec::new();
    livery_content::write_frame(&mut framed, &frame.unwrap()).unwrap();

    let (status, _) = served
        .send("/v1/content/put", OWNERS_TOKEN, framed.clone())
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let missing = async |token| {
        served
            .send("/v1/content/missing", token, name.clone())
            .await
            .1
    };
    let got = async |token| served.send("/v1/content/get", token, name.clone()).await.1;
    assert_eq!(missing(OWNERS_TOKEN).await, "");
    assert_eq!(got(OWNERS_TOKEN).await, framed);
    assert_eq!(missing(OTHERS_TOKEN).await, name);
    assert_eq!(got(OTHERS_TOKEN).await, "");
    // Who has the bytes has them here too.
    served
        .send("/v1/content/put", OTHERS_TOKEN, framed.clone())
        .await;
    assert_eq!(missing(OTHERS_TOKEN).await, "");
    assert_eq!(got(OTHERS_TOKEN).await, framed);
}

#[tokio::test]
async fn an_account_whose_token_was_revoked_gets_another_and_one_is_replaced_by_the_next() {
    let served = Served::start().await;
    let enters = async |token: &serde_json::Value| {
        let (status, _) = served.far("GET", "/v1/account", token.as_str()).await;
        status == StatusCode::OK
    };
    let list = async || served.tell("GET", "/v1/tokens", "").await["tokens"].clone();
    let of = |tokens: &serde_json::Value, account: &str| {
        let tokens = tokens.as_array().unwrap().clone();
        let own = tokens
            .into_iter()
            .filter(|token| token["account"] == account);
        own.collect::<Vec<_>>()
    };
    let [first] = of(&list().await, "acc_other").try_into().unwrap();
    assert_eq!(first["used"], serde_json::Value::Null);
    assert!(enters(&OTHERS_TOKEN.into()).await);
    let [first] = of(&list().await, "acc_other").try_into().unwrap();
    assert!(first["used"].is_i64(), "{first}");
    let path = |token: &serde_json::Value| format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    let revoked = served.tell("DELETE", &path(&first), "").await;
    assert_eq!(revoked["left"], 0);
    assert_eq!(revoked["token"]["account_name"], "acc_other");
    assert!(!enters(&OTHERS_TOKEN.into()).await);

    let new = r#"{"label": "again", "account": "acc_other"}"#;
    let second = served.tell("POST", "/v1/tokens", new).await;
    assert_eq!(second["info"]["account"], "acc_other");
    assert!(enters(&second["token"]).await);
    let (status, _) = served.near("POST", "/v1/tokens/nothing/rotate").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let rotate = format!("{}/rotate", path(&second["info"]));
    let third = served
        .tell("POST", &rotate, r#"{"grace_ms": 3600000}"#)
        .await;
    assert_eq!(third["info"]["label"], "again");
    assert!(enters(&second["token"]).await && enters(&third["token"]).await);
    let old = of(&list().await, "acc_other");
    assert!(
        old[0]["expires"].is_i64() && old[1]["expires"].is_null(),
        "{old:?}"
    );
    let rotate = format!("{}/rotate", path(&third["info"]));
    let fourth = served.tell("POST", &rotate, r#"{"grace_ms": 0}"#).await;
    assert!(!enters(&third["token"]).await && enters(&fourth["token"]).await);
    assert_eq!(of(&list().await, "acc_other").len(), 2);
}
