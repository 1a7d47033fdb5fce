//! Says aloud that a task fails, once, and that it works again.

use serde_json::Value;
use tokio::task::JoinError;

/// Why the last activation of a task came to nothing, if it did.
#[derive(Default)]
pub(super) struct Health {
    failing: Option<String>,
}

/// What is worth a word about an activation.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// As before.
    None,
    /// It fails, and did not before or for another reason.
    Fails,
    /// It works again.
    Works,
}

impl Health {
    /// Takes in what an activation said, and logs it when that is news: a task that comes round each
    /// second must not fill the log with one failure.
    pub(super) fn note(&mut self, task: &'static str, result: &Value) {
        match self.take_in(result) {
            News::None => {}
            News::Fails => {
                let error = self.failing.as_deref().unwrap_or_default();
                tracing::warn!(
                    task,
                    error,
                    "a background task fails; it goes on trying, and `livery debug tasks` shows it"
                );
            }
            News::Works => tracing::info!(task, "a background task works again"),
        }
    }

    fn take_in(&mut self, result: &Value) -> News {
        let failing = result.get("error").map(|error| match error {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let news = match (&self.failing, &failing) {
            (before, now) if before == now => News::None,
            (_, Some(_)) => News::Fails,
            (_, None) => News::Works,
        };
        self.failing = failing;
        news
    }
}

/// Says why an activation did not come to its end.
pub(super) fn why(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            format!("it panicked: {}", text.unwrap_or("without a word"))
        }
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_failure_is_news_when_it_begins_changes_and_ends() {
        let mut health = Health::default();
        let (works, one, other) = (
            json!({ "pods": 1 }),
            json!({ "error": "one" }),
            json!({ "error": "other" }),
        );
        let seen = [&works, &one, &one, &other, &works, &works];
        let news = seen.map(|result| health.take_in(result));
        let wanted = [
            News::None,
            News::Fails,
            News::None,
            News::Fails,
            News::Works,
            News::None,
        ];
        assert_eq!(news, wanted);
    }
}
