CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    credit TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    content TEXT NOT NULL
);

CREATE TABLE task_status (
    name TEXT PRIMARY KEY,
    started BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    result TEXT NOT NULL,
    activations BIGINT NOT NULL
);

CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    price TEXT NOT NULL,
    added BIGINT NOT NULL,
    last_seen BIGINT
);
