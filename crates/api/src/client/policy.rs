//! Calls about pods' policies.

use super::{Client, full, part};
use crate::Error;
use crate::dto::{Policy, PolicyView};
use http::Method;

impl Client {
    /// Returns a pod's policy and what comes of it.
    pub async fn pod_policy(&self, pod: &str) -> Result<PolicyView, Error> {
        self.get(&format!("/v1/pods/{}/policy", part(pod))).await
    }

    /// Replaces a pod's policy.
    pub async fn pod_policy_set(&self, pod: &str, policy: &Policy) -> Result<PolicyView, Error> {
        let path = format!("/v1/pods/{}/policy", part(pod));
        let body = full(self.json(policy)?);
        let kind = Some("application/json");
        let response = self.send(Method::PUT, &path, kind, body).await?;
        self.answer(response).await
    }
}
