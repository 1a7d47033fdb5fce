CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    submission TEXT NOT NULL,
    step TEXT NOT NULL,
    step_began BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    ended BIGINT,
    pod_id TEXT,
    excluded TEXT NOT NULL,
    exit_code BIGINT,
    reason TEXT,
    cancel_requested BIGINT,
    results TEXT,
    created BIGINT NOT NULL,
    due BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    claim_token TEXT,
    claim_until BIGINT NOT NULL
);

CREATE INDEX runs_by_account ON runs (account_id, created);

CREATE INDEX runs_by_due ON runs (due) WHERE ended IS NULL;

CREATE TABLE run_events (
    run_id TEXT NOT NULL REFERENCES runs (id),
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    step TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE TABLE run_notes (
    run_id TEXT NOT NULL REFERENCES runs (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
);

CREATE TABLE run_secrets (
    run_id TEXT NOT NULL REFERENCES runs (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
);
