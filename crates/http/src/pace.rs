//! What a connection is at, and how its bodies go on: nobody holds a place for ever by sending nothing, or
//! by reading nothing.

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How long a request's body may bring nothing while its handler waits for it.
pub(crate) const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// Whether the bodies of a request may rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Each piece must come, and be taken, within a time.
    Steady,
    /// They rest for as long as their two ends like: somebody sits at a terminal, or pauses a log.
    AtWill,
}

/// What a connection is at; its requests and its watcher share it.
#[derive(Debug)]
pub(crate) struct Activity {
    bytes: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    requests: HashMap<u64, Underway>,
    /// How many requests there ever were.
    count: u64,
    /// When the last request under way ended.
    idle_since: Instant,
}

/// A request under way.
#[derive(Debug)]
struct Underway {
    pace: Pace,
    /// Since when a piece of the answer has been handed out and the next one not been asked for.
    untaken: Option<Instant>,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            requests: HashMap::new(),
            count: 0,
            idle_since: Instant::now(),
        };
        Arc::new(Self {
            bytes: AtomicU64::new(0),
            state: Mutex::new(state),
        })
    }

    /// Notes bytes that came in.
    pub(crate) fn came(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns how many bytes came in.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns how many requests there ever were.
    pub(crate) fn requests(&self) -> u64 {
        self.lock().count
    }

    /// Returns since when no request has been under way; none while one is.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        state.requests.is_empty().then_some(state.idle_since)
    }

    /// Returns since when the longest-waiting answer has not been taken.
    pub(crate) fn untaken_since(&self) -> Option<Instant> {
        let state = self.lock();
        let steady = state
            .requests
            .values()
            .filter(|one| one.pace == Pace::Steady);
        steady.filter_map(|one| one.untaken).min()
    }

    /// Notes a new request.
    pub(crate) fn begin(self: &Arc<Self>) -> Ongoing {
        let mut state = self.lock();
        let id = state.count;
        state.count += 1;
        let underway = Underway {
            pace: Pace::Steady,
            untaken: None,
        };
        state.requests.insert(id, underway);
        drop(state);
        Ongoing(Arc::new(Request {
            activity: Arc::clone(self),
            id,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way; it is over when the last clone is dropped. Part of every request.
#[derive(Debug, Clone)]
pub(crate) struct Ongoing(Arc<Request>);

#[derive(Debug)]
struct Request {
    activity: Arc<Activity>,
    id: u64,
}

impl Ongoing {
    /// Lets its bodies rest for as long as their two ends like.
    pub(crate) fn at_will(&self) {
        self.change(|underway| underway.pace = Pace::AtWill);
    }

    fn pace(&self) -> Pace {
        self.change(|underway| underway.pace)
            .unwrap_or(Pace::Steady)
    }

    fn untaken(&self, since: Option<Instant>) {
        self.change(|underway| underway.untaken = since);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Underway) -> T) -> Option<T> {
        let mut state = self.0.activity.lock();
        state.requests.get_mut(&self.0.id).map(change)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.requests.remove(&self.id);
        state.idle_since = Instant::now();
    }
}

/// Why a request's body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutOff {
    /// It brought nothing for too long.
    #[error("nothing more of the body came for {} seconds", BODY_PATIENCE.as_secs())]
    TooSlow,
    /// Its connection broke.
    #[error("the body broke off: {0}")]
    Broke(#[from] hyper::Error),
}

/// A request's body, which must go on coming.
pub(crate) struct RequestBody {
    inner: Incoming,
    ongoing: Ongoing,
    /// Runs while the next piece is waited for.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(crate) fn new(inner: Incoming, ongoing: Ongoing) -> Self {
        Self {
            inner,
            ongoing,
            waiting: None,
        }
    }

    /// Waits for as long as the next piece may take.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<CutOff> {
        if self.ongoing.pace() == Pace::AtWill {
            return Poll::Pending;
        }
        let sleep = || Box::pin(tokio::time::sleep(BODY_PATIENCE));
        let waiting = self.waiting.get_or_insert_with(sleep);
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(CutOff::TooSlow)
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            return self.poll_patience(context).map(|why| Some(Err(why)));
        };
        self.waiting = None;
        Poll::Ready(frame.map(|frame| frame.map_err(CutOff::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body, which must be taken.
pub(crate) struct AnswerBody {
    inner: Body,
    ongoing: Ongoing,
}

impl AnswerBody {
    pub(crate) fn new(inner: Body, ongoing: Ongoing) -> Self {
        Self { inner, ongoing }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.ongoing.untaken(None);
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if frame.is_some() {
            self.ongoing.untaken(Some(Instant::now()));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
