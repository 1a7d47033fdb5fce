ALTER TABLE pods ADD COLUMN ruled TEXT;

ALTER TABLE pods ADD COLUMN policy_due BIGINT DEFAULT 0;

CREATE INDEX pods_by_policy_due ON pods (policy_due) WHERE ended IS NULL;

CREATE TABLE pod_activity (
    pod_id TEXT PRIMARY KEY REFERENCES pods (id),
    active_at BIGINT NOT NULL,
    used TEXT NOT NULL,
    idle_ms BIGINT NOT NULL,
    sampled BIGINT NOT NULL,
    idle_at_base_ms BIGINT NOT NULL,
    host_uptime_ms BIGINT NOT NULL,
    cpu_micros BIGINT NOT NULL,
    network BIGINT NOT NULL,
    written BIGINT NOT NULL
);
