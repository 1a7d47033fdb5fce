//! The wrappers around a supplier that follows a script.

use async_trait::async_trait;
use livery_domain::offer::{Offer, SupplierName};
use livery_domain::orphan::Tenants;
use livery_domain::pod::{Observed, Ran};
use livery_supplier::layers::{Retry, Timeout, Traced};
use livery_supplier::{
    Error, Lease, Listing, Observation, Order, SharedSupplier, Stopping, Supplier, SupplierInfo,
};
use livery_units::{HostId, LaunchKey, Span};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// One answer of the script.
#[derive(Clone)]
enum Line {
    Fail(Error),
    Succeed,
    Silence,
}

#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Line>>,
    calls: Mutex<u32>,
    stops: bool,
}

impl Scripted {
    fn new(script: &[Line]) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.iter().cloned().collect()),
            ..Self::default()
        })
    }

    fn calls(&self) -> u32 {
        *self.calls.lock().unwrap()
    }

    async fn next(&self) -> Result<(), Error> {
        *self.calls.lock().unwrap() += 1;
        let line = self.script.lock().unwrap().pop_front();
        match line.expect("the script has no further line") {
            Line::Fail(error) => Err(error),
            Line::Succeed => Ok(()),
            Line::Silence => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Supplier for Scripted {
    fn info(&self) -> SupplierInfo {
        SupplierInfo {
            name: SupplierName::new("scripted"),
            description: "follows a script".into(),
            tenants: Tenants::OthersToo,
        }
    }

    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        self.next().await.map(|()| Vec::new())
    }

    async fn launch(&self, key: &LaunchKey, _order: &Order) -> Result<Lease, Error> {
        self.next().await.map(|()| lease(key))
    }

    async fn observe(&self, _lease: &Lease) -> Result<Observation, Error> {
        self.next().await.map(|()| Observation {
            state: Observed::Up,
            detail: None,
            access: None,
            ran: Ran::default(),
        })
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        self.next().await.map(|()| Listing::whole(Vec::new()))
    }

    fn host_of(&self, _lease: &Lease) -> Option<HostId> {
        Some(HostId::from_entropy(1))
    }

    async fn terminate(&self, _lease: &Lease) -> Result<(), Error> {
        self.next().await
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        self.stops.then_some(self)
    }
}

#[async_trait]
impl Stopping for Scripted {
    async fn stop(&self, _lease: &Lease, _grace: Span) -> Result<(), Error> {
        self.next().await
    }

    async fn start(&self, _lease: &Lease) -> Result<(), Error> {
        self.next().await
    }
}

fn lease(key: &LaunchKey) -> Lease {
    Lease {
        key: key.clone(),
        foreign_id: "there".into(),
    }
}

fn some_lease() -> Lease {
    lease(&LaunchKey::from_entropy(1))
}

fn transient() -> Line {
    Line::Fail(Error::Transient {
        message: "busy".into(),
    })
}

fn quick(inner: SharedSupplier) -> Retry {
    Retry::new(inner).pauses(Span::from_millis(1), Span::from_millis(20))
}

#[tokio::test]
async fn what_failed_for_now_is_asked_again() {
    let script = Scripted::new(&[transient(), transient(), Line::Succeed]);
    assert!(quick(script.clone()).list().await.is_ok());
    assert_eq!(script.calls(), 3);
}

#[tokio::test]
async fn asking_again_has_an_end_and_keeps_the_last_error() {
    let last = Error::Ambiguous {
        message: "lost".into(),
    };
    let script = Scripted::new(&[transient(), Line::Fail(last.clone()), Line::Succeed]);
    let twice = quick(script.clone()).attempts(2);
    assert_eq!(twice.terminate(&some_lease()).await, Err(last));
    assert_eq!(script.calls(), 2);
}

#[tokio::test]
async fn what_will_fail_again_is_not_asked_again() {
    let message = || "no".to_owned();
    for error in [
        Error::NotFound { message: message() },
        Error::NoCapacity { message: message() },
        Error::QuotaExceeded { message: message() },
        Error::Unauthorized { message: message() },
        Error::Invalid { message: message() },
        Error::Unsupported { message: message() },
    ] {
        let script = Scripted::new(&[Line::Fail(error.clone()), Line::Succeed]);
        let answer = quick(script.clone()).observe(&some_lease()).await;
        assert_eq!(answer, Err(error));
        assert_eq!(script.calls(), 1);
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_if_it_is_short_enough() {
    let limited = |after| Line::Fail(Error::RateLimited { after });
    let short = Scripted::new(&[limited(Span::from_millis(5)), Line::Succeed]);
    assert!(quick(short.clone()).list().await.is_ok());
    let long = Scripted::new(&[limited(Span::from_secs(3_600)), Line::Succeed]);
    assert!(quick(long.clone()).list().await.is_err());
    assert_eq!((short.calls(), long.calls()), (2, 1));
}

#[tokio::test]
async fn a_silent_launch_is_ambiguous_and_anything_else_silent_transient() {
    let timeout = |script: &[Line]| Timeout::new(Scripted::new(script), Span::from_millis(5));
    let silent = timeout(&[Line::Silence]).terminate(&some_lease()).await;
    assert!(matches!(silent, Err(Error::Transient { .. })), "{silent:?}");
    let silent = timeout(&[Line::Silence]).offers().await;
    let Err(Error::Transient { message }) = silent else {
        panic!("{silent:?}");
    };
    assert!(message.contains("scripted"), "{message}");
    let silent = launch(&timeout(&[Line::Silence])).await;
    assert!(matches!(silent, Err(Error::Ambiguous { .. })), "{silent:?}");
    let patient = Timeout::new(Scripted::new(&[Line::Succeed]), Span::from_secs(60));
    assert_eq!(launch(&patient).await, Ok(some_lease()));
}

#[tokio::test]
async fn wrappers_pass_on_everything_and_stack() {
    let script = Scripted::new(&[transient(), Line::Succeed, Line::Succeed, Line::Succeed]);
    let traced: SharedSupplier = Arc::new(Traced::new(script.clone()));
    let timed: SharedSupplier = Arc::new(Timeout::new(traced, Span::from_secs(60)));
    let stack = quick(timed);
    assert_eq!(launch(&stack).await, Ok(some_lease()));
    assert_eq!(
        stack.observe(&some_lease()).await.unwrap().state,
        Observed::Up
    );
    assert!(stack.offers().await.unwrap().is_empty());
    assert_eq!(stack.info(), script.info());
    let host = stack.host_of(&some_lease());
    assert_eq!(host, Some(HostId::from_entropy(1)));
    assert_eq!(script.calls(), 4);
}

#[tokio::test]
async fn the_power_to_stop_shows_through_only_where_it_is() {
    let without: SharedSupplier = Scripted::new(&[]);
    let wrapped: SharedSupplier = Arc::new(Traced::new(without));
    assert!(quick(wrapped).stopping().is_none());
    let with = Arc::new(Scripted {
        script: Mutex::new([transient(), Line::Succeed].into()),
        stops: true,
        ..Scripted::default()
    });
    let wrapped: SharedSupplier = Arc::new(Traced::new(with.clone()));
    let stack = quick(wrapped);
    let stopping = stack.stopping().unwrap();
    stopping.stop(&some_lease(), Span::ZERO).await.unwrap();
    assert_eq!(with.calls(), 2);
}

async fn launch(supplier: &dyn Supplier) -> Result<Lease, Error> {
    supplier.launch(&LaunchKey::from_entropy(1), &order()).await
}

fn order() -> Order {
    use livery_domain::account::Tenant;
    use livery_domain::offer::{Pricing, StoragePrice, Tier};
    use livery_domain::pod::PodOrder;
    use livery_units::{Bytes, OfferId, PodId, Rate};
    Order {
        pod: PodId::from_entropy(1),
        tenant: Tenant::Owner,
        credentials: None,
        offer: Offer {
            id: OfferId::from_entropy(1),
            supplier: SupplierName::new("scripted"),
            host: None,
            gpus: None,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            disk: Bytes::gib(1),
            region: "here".into(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: Rate::FREE,
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        },
        spec: PodOrder {
            name: "pod".into(),
            image: "host".into(),
            command: None,
            env: Default::default(),
            gpu_count: 0,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            container_disk: Bytes::ZERO,
            volume_disk: Bytes::ZERO,
            network_volume: None,
            ports: Vec::new(),
        },
    }
}
