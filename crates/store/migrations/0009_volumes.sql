CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    supplier TEXT NOT NULL,
    host TEXT NOT NULL,
    rate TEXT NOT NULL,
    desired TEXT NOT NULL,
    observed TEXT NOT NULL,
    size_seen BIGINT,
    reason TEXT,
    attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    began BIGINT,
    kept_until BIGINT,
    ended BIGINT,
    observed_at BIGINT,
    generation BIGINT NOT NULL,
    due BIGINT NOT NULL,
    claim_token TEXT,
    claim_until BIGINT NOT NULL
);

CREATE UNIQUE INDEX volumes_by_name ON volumes (account_id, name) WHERE ended IS NULL;

CREATE INDEX volumes_by_due ON volumes (due) WHERE ended IS NULL;

CREATE INDEX volumes_by_account ON volumes (account_id, created);

ALTER TABLE pods ADD COLUMN network_volume TEXT;

CREATE UNIQUE INDEX pods_by_network_volume ON pods (network_volume)
WHERE network_volume IS NOT NULL AND ended IS NULL;
