//! What things cost, as users see it: an account with a voucher rents a pod, its bill adds up, and
//! when nothing is left its pod stops and its volume stays.

use crate::support::{Door, Ran, Registry, World, free_port, push_busybox, until};
use livery_ledger::{Book, Item, Kind, Transfer};
use livery_store::Store;
use livery_units::{AccountId, Money, PodId, Timestamp, TransferId};
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

/// Somebody who rents from the control plane's owner, over TCP with a token.
struct Tenant<'w> {
    world: &'w World,
    server: String,
    token: String,
    id: AccountId,
    image: &'w str,
}

/// A control plane that others reach, and the registry from which they take their image.
struct Place {
    world: World,
    server: String,
    image: String,
    _registry: Registry,
}

impl Tenant<'_> {
    fn livery(&self, arguments: &[&str]) -> Ran {
        let mut command = self.world.command(arguments);
        command
            .env("LIVERY_SERVER", &self.server)
            .env("LIVERY_TOKEN", &self.token);
        self.world.run_command(command, Stdio::null()).finish()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        self.livery(arguments).expect(0).out
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    #[track_caller]
    fn pod(&self, name: &str) -> PodId {
        let small = ["pod", "create", "--name", name, "--memory", "256MB"];
        let disks = ["--cpus", "0.5", "--disk", "128MB", "--volume", "128MB"];
        let image = ["--image", self.image];
        self.ok(&[&small[..], &disks, &image].concat())
            .trim()
            .parse()
            .unwrap()
    }

    fn dollars(&self, field: &str) -> Money {
        money(&self.json(&["balance", "--json"])[field])
    }
}

fn place() -> Option<Place> {
    let registry = Registry::start(Door::Open)?;
    let image = push_busybox(&registry)?;
    let trusted = format!("127.0.0.1:{}", registry.port);
    let address = format!("127.0.0.1:{}", free_port());
    let world = World::with(&["--listen", &address, "--insecure-registry", &trusted])?;
    Some(Place {
        world,
        server: format!("http://{address}"),
        image,
        _registry: registry,
    })
}

/// Makes an account, and tops it up with a voucher of ten dollars.
fn tenant(place: &Place) -> Tenant<'_> {
    let world = &place.world;
    let made: Value =
        serde_json::from_str(&world.ok(&["account", "create", "lab", "--json"])).unwrap();
    let tenant = Tenant {
        world,
        server: place.server.clone(),
        token: made["token"]["token"].as_str().unwrap().to_owned(),
        id: made["account"]["id"].as_str().unwrap().parse().unwrap(),
        image: &place.image,
    };
    world
        .livery(&["voucher", "create", "9.99"])
        .expect(2)
        .says(&["MON007"]);
    let code = world.ok(&["voucher", "create", "10", "--label", "welcome"]);
    let code = code.trim();
    tenant
        .livery(&["pod", "create", "--image", tenant.image])
        .expect(1)
        .says(&["MON001", "top"]);
    tenant.ok(&["redeem", code]);
    tenant.livery(&["redeem", code]).expect(2).says(&["MON009"]);
    // What others have is none of its business.
    for arguments in [
        &["account", "list"][..],
        &["balance", "--account", "owner"],
        &["account", "grant", "lab", "10"],
        &["voucher", "create", "10"],
    ] {
        tenant.livery(arguments).expect(1).says(&["API006"]);
    }
    tenant
}

fn money(value: &Value) -> Money {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_machine_itself_is_no_image_for_others() {
    let Some(place) = place() else { return };
    let tenant = tenant(&place);
    let job = |text: &str| {
        fs::write(place.world.work().join("job.yaml"), text).unwrap();
        tenant.livery(&["run", "job.yaml"])
    };
    let advice = "name one of a registry: `--image";
    tenant
        .livery(&["pod", "create"])
        .expect(2)
        .says(&["POD006", "`host`", advice]);
    let file = ["pod", "create", "--image", "oci:/srv/image"];
    tenant.livery(&file).expect(2).says(&["POD006", advice]);
    job("run: id\n").expect(2).says(&["POD006", "image_id"]);
    assert_eq!(tenant.json(&["pods", "--all", "--json"]), json!([]));
    assert_eq!(tenant.json(&["runs", "--json"]), json!([]));
    // Its own image is all that it sees of any machine.
    let small = "cpus: 1, memory: 256MB, disk_size: 128MB, volume_size: 128MB";
    let resources = format!("{{image_id: '{}', {small}}}", tenant.image);
    let listing = format!("resources: {resources}\nrun: echo /*\n");
    let seen = job(&listing).expect(0).out;
    assert!(
        !seen.contains("/usr") && seen.contains("/workspace"),
        "{seen}"
    );
    place.world.finish();
}

#[test]
fn a_bill_adds_up_to_the_ledger() {
    let Some(place) = place() else { return };
    let tenant = tenant(&place);
    assert_eq!(tenant.dollars("left").to_string(), "$10.00");
    let pod = tenant.pod("=box,1");
    until("something was spent", Duration::from_secs(30), || {
        let spend = tenant.json(&["spend", "--json"]);
        let thing = &spend["things"][0];
        (money(&thing["so_far"]) > Money::ZERO).then(|| {
            assert_eq!(thing["id"], pod.as_str());
            assert!(money(&spend["balance"]["hourly"]) > Money::ZERO);
        })
    });
    let shown = tenant.ok(&["balance"]);
    for words in [
        "lab (acc_",
        "is held for what runs",
        "standing",
        "good",
        "no limit",
    ] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    tenant.ok(&["pod", "terminate", pod.as_str()]);

    let bill = tenant.json(&["bill", "--json"]);
    let lines = bill["lines"].as_array().unwrap();
    let charged: Money = lines.iter().map(|line| money(&line["amount"])).sum();
    assert!(charged > Money::ZERO);
    assert_eq!(money(&bill["charged"]), charged);
    let closing = money(&bill["closing"]);
    assert_eq!(closing.plus(charged).unwrap().to_string(), "$10.00");
    let balance = tenant.json(&["balance", "--json"]);
    assert_eq!(money(&balance["account"]["balance"]), closing);
    assert_eq!(money(&balance["account"]["held"]), Money::ZERO);

    let csv = tenant.ok(&["bill", "--csv"]);
    let rows: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(rows[0], "date,kind,id,name,item,amount_usd");
    assert_eq!(rows.len(), 2 + lines.len());
    let sum: i64 = rows[1..]
        .iter()
        .map(|row| row.rsplit(',').next().unwrap())
        .map(|amount| amount.parse::<Money>().unwrap().nanos())
        .sum();
    assert_eq!(sum, closing.nanos(), "{csv}");
    assert!(csv.contains(",\"'=box,1\",compute,-"), "{csv}");
    let by_pod = tenant.ok(&["bill", "--by", "pod"]);
    assert!(by_pod.contains(&charged.to_string()), "{by_pod}");

    // What the tenant paid, the host has earned, whoever looks.
    let owners: Value =
        serde_json::from_str(&place.world.ok(&["bill", "--account", "lab", "--json"])).unwrap();
    assert_eq!(owners, bill);
    let earned: Value =
        serde_json::from_str(&place.world.ok(&["bill", "--earnings", "--json"])).unwrap();
    assert_eq!(earned[0]["kind"], "host");
    assert_eq!(money(&earned[0]["amount"]), charged);
    place.world.finish();
}

/// Posts what an earlier pod of the account might have used, so that this much is left with holds.
fn use_up(world: &World, tenant: &Tenant<'_>, left: Money) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = Timestamp::from_millis(i64::try_from(since.unwrap().as_millis()).unwrap());
    let amount = tenant.dollars("left").minus(left).unwrap();
    let charge = Transfer {
        id: TransferId::from_entropy(1),
        kind: Kind::Charge,
        from: Book::Balance(tenant.id.clone()),
        to: Book::Earned("elsewhere".to_owned()),
        amount,
        at: now,
        account: tenant.id.clone(),
        pod: Some(PodId::from_entropy(1)),
        run: None,
        volume: None,
        item: Some(Item::Compute),
        meter: None,
        memo: "compute".to_owned(),
    };
    let url = format!("sqlite:{}", world.data().join("livery.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(&url).await.unwrap();
        store.transfer_post(&[charge]).await.unwrap();
        store.close().await;
    });
}

#[test]
fn without_credit_a_pod_stops_and_its_volume_is_kept() {
    let Some(place) = place() else { return };
    let tenant = tenant(&place);
    let pod = tenant.pod("box");
    let id = pod.as_str();
    let write = [
        "exec",
        "-n",
        id,
        "--",
        "sh",
        "-c",
        "echo kept > /workspace/file",
    ];
    tenant.ok(&write);
    // A tenth of a cent: less than a minute of it.
    use_up(&place.world, &tenant, Money::from_nanos(1_000_000));
    let patience = Duration::from_secs(60);
    let stopped = until("the pod is stopped", patience, || {
        let pods = tenant.json(&["pods", "--json"]);
        (pods[0]["phase"] == "stopped").then_some(pods)
    });
    assert!(stopped.to_string().contains("no credit left"), "{stopped}");
    assert!(!tenant.dollars("left").is_negative());
    let shown = tenant.ok(&["balance"]);
    assert!(shown.contains("no credit since"), "{shown}");
    assert!(shown.contains("volumes are kept until"), "{shown}");
    tenant
        .livery(&["pod", "start", id])
        .expect(1)
        .says(&["MON002", "redeem"]);

    place
        .world
        .ok(&["account", "grant", "lab", "10", "--reference", "invoice 1"]);
    let again = ["account", "grant", "lab", "10", "--reference", "invoice 1"];
    place
        .world
        .livery(&again)
        .expect(0)
        .says(&["counted before"]);
    tenant.ok(&["pod", "start", id]);
    let read = tenant.ok(&["exec", "-n", id, "--", "cat", "/workspace/file"]);
    assert_eq!(read, "kept\n");
    tenant.ok(&["pod", "terminate", id]);
    place.world.finish();
}

#[test]
fn a_limit_that_is_reached_stops_pods_and_refuses_launches() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&["--name", "box"]);
    world
        .livery(&["account", "set"])
        .expect(2)
        .says(&["nothing to change"]);
    world.ok(&["account", "set", "--limit-day", "0.0005"]);
    until("the pod is stopped", Duration::from_secs(60), || {
        let pods: Value = serde_json::from_str(&world.ok(&["pods", "--json"])).unwrap();
        (pods[0]["phase"] == "stopped").then(|| {
            assert!(pods.to_string().contains("$0.0005 a day"), "{pods}");
        })
    });
    world
        .livery(&["pod", "start", &pod])
        .expect(1)
        .says(&["MON003", "a day"]);
    let shown = world.ok(&["spend", "--today"]);
    assert!(
        shown.contains("box") && shown.contains("of $0.0005 ("),
        "{shown}"
    );
    world.ok(&["account", "set", "--limit-day", "none"]);
    world.ok(&["pod", "start", &pod]);
    world.ok(&["pod", "terminate", &pod]);
    world.finish();
}
