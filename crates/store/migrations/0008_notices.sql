ALTER TABLE accounts ADD COLUMN reminders TEXT NOT NULL DEFAULT '{}';

CREATE TABLE channels (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    route TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account_id, name)
);

CREATE TABLE notices (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    notice_key TEXT NOT NULL,
    pod_id TEXT,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    terminal_from BIGINT,
    shown BIGINT,
    PRIMARY KEY (account_id, notice_key)
);

CREATE INDEX notices_by_time ON notices (account_id, at_ms);

CREATE INDEX notices_unshown ON notices (account_id, terminal_from) WHERE shown IS NULL;

CREATE TABLE deliveries (
    account_id TEXT NOT NULL,
    notice_key TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_try BIGINT,
    due BIGINT NOT NULL,
    claim_until BIGINT NOT NULL,
    problem TEXT,
    changed BIGINT NOT NULL,
    PRIMARY KEY (account_id, notice_key, channel),
    FOREIGN KEY (account_id, notice_key) REFERENCES notices (account_id, notice_key)
);

CREATE INDEX deliveries_by_due ON deliveries (due) WHERE state = 'due';

CREATE INDEX deliveries_in_trouble ON deliveries (account_id) WHERE problem IS NOT NULL;
