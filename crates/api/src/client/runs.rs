//! Calls about runs.

use super::{Client, empty, part, query};
use crate::dto::{
    EventsQuery, LogQuery, Offers, Receipt, Results, Run, RunEvents, RunList, Submission, Which,
    WhichQuery,
};
use crate::{ByteStream, Error, LOG_START_HEADER};
use http::Method;

/// A job's own output, of which the beginning may be cut.
pub struct RunLog {
    /// The offset of the first byte that follows, counted over the whole output.
    pub start: u64,
    /// The output from there on.
    pub bytes: ByteStream,
}

impl Client {
    /// Submits a job.
    pub async fn run_submit(&self, submission: &Submission) -> Result<Run, Error> {
        self.post_json("/v1/runs", submission).await
    }

    /// Asks whether a job would be accepted once its files are there; nothing is launched and no file
    /// is needed.
    pub async fn run_check(&self, submission: &Submission) -> Result<(), Error> {
        self.post_json("/v1/check", submission).await
    }

    /// Returns how the offers stand to a job; nothing is launched and no file is needed.
    pub async fn run_explain(&self, submission: &Submission) -> Result<Offers, Error> {
        self.post_json("/v1/explain", submission).await
    }

    /// Returns runs, newest first.
    pub async fn runs(&self, which: Which) -> Result<RunList, Error> {
        self.get(&query("/v1/runs", &WhichQuery { which })).await
    }

    /// Returns a run by its id, or the newest run of that name.
    pub async fn run(&self, run: &str) -> Result<Run, Error> {
        self.get(&format!("/v1/runs/{}", part(run))).await
    }

    /// Asks for a run's end; teardown follows.
    pub async fn run_cancel(&self, run: &str) -> Result<Run, Error> {
        self.post(&format!("/v1/runs/{}/cancel", part(run))).await
    }

    /// Returns a run's events after one of them; waits for one as long as asked.
    pub async fn run_events(&self, run: &str, question: EventsQuery) -> Result<RunEvents, Error> {
        let path = format!("/v1/runs/{}/events", part(run));
        self.get(&query(&path, &question)).await
    }

    /// Returns the job's own output from a byte on, or from where it begins if that was cut. It may end
    /// early where something was cut: it is read to its end when asking again gives nothing.
    pub async fn run_log(&self, run: &str, question: LogQuery) -> Result<RunLog, Error> {
        let path = query(&format!("/v1/runs/{}/log", part(run)), &question);
        let offset = question.offset;
        let response = self.send(Method::GET, &path, None, empty()).await?;
        let start = response.headers().get(LOG_START_HEADER);
        let start = start.and_then(|start| start.to_str().ok()?.parse().ok());
        Ok(RunLog {
            // Said by every control plane whose log begins later.
            start: start.unwrap_or(offset),
            bytes: self.stream(response),
        })
    }

    /// Returns what a run cost so far, or in all when it is over.
    pub async fn run_receipt(&self, run: &str) -> Result<Receipt, Error> {
        self.get(&format!("/v1/runs/{}/receipt", part(run))).await
    }

    /// Returns which files a run brought home.
    pub async fn run_results(&self, run: &str) -> Result<Results, Error> {
        self.get(&format!("/v1/runs/{}/results", part(run))).await
    }

    /// Drops the files that a run brought home.
    pub async fn run_results_drop(&self, run: &str) -> Result<Run, Error> {
        let path = format!("/v1/runs/{}/results", part(run));
        self.delete(&path).await
    }
}
