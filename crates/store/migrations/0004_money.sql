CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    from_book TEXT NOT NULL,
    to_book TEXT NOT NULL,
    amount BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    pod_id TEXT,
    run_id TEXT,
    memo TEXT NOT NULL
);

CREATE INDEX transfers_by_account ON transfers (account_id, seq);

CREATE INDEX transfers_by_pod ON transfers (pod_id, kind, at_ms, amount);

CREATE INDEX transfers_by_run ON transfers (run_id, seq);

CREATE TABLE books (
    book TEXT PRIMARY KEY,
    amount BIGINT NOT NULL
);

CREATE TABLE pod_money (
    pod_id TEXT PRIMARY KEY,
    held BIGINT NOT NULL,
    charged BIGINT NOT NULL
);

CREATE TABLE ledger_head (
    id BIGINT PRIMARY KEY,
    last_seq BIGINT NOT NULL
);

INSERT INTO ledger_head (id, last_seq) VALUES (1, 0);
