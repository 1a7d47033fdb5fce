CREATE TABLE pods (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    pod_order TEXT NOT NULL,
    offer TEXT NOT NULL,
    run_id TEXT,
    launch_key TEXT NOT NULL UNIQUE,
    foreign_id TEXT,
    desired TEXT NOT NULL,
    observed TEXT NOT NULL,
    reason TEXT,
    failure TEXT,
    attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    started BIGINT,
    up_until BIGINT,
    ended BIGINT,
    observed_at BIGINT,
    generation BIGINT NOT NULL,
    due BIGINT NOT NULL,
    claim_token TEXT,
    claim_until BIGINT NOT NULL
);

CREATE INDEX pods_by_account ON pods (account_id, created);

CREATE INDEX pods_by_run ON pods (run_id);

CREATE INDEX pods_by_due ON pods (due) WHERE ended IS NULL;
