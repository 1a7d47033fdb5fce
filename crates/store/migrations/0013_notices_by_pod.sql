CREATE INDEX notices_by_pod ON notices (account_id, pod_id, at_ms);

CREATE INDEX notices_by_age ON notices (at_ms);
