CREATE TABLE meters (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    item TEXT NOT NULL,
    pod_id TEXT,
    run_id TEXT,
    volume_id TEXT,
    payee TEXT NOT NULL,
    rate_amount BIGINT NOT NULL,
    rate_per TEXT NOT NULL,
    stretch BIGINT NOT NULL,
    began BIGINT NOT NULL,
    counted_until BIGINT NOT NULL,
    charged BIGINT NOT NULL,
    closed BIGINT,
    due BIGINT NOT NULL
);

CREATE INDEX meters_by_pod ON meters (pod_id, item, number) WHERE pod_id IS NOT NULL;

CREATE INDEX meters_by_volume ON meters (volume_id, number) WHERE volume_id IS NOT NULL;

CREATE INDEX meters_by_account ON meters (account_id, began);

CREATE INDEX meters_by_due ON meters (due) WHERE closed IS NULL;

ALTER TABLE transfers ADD COLUMN volume_id TEXT;

ALTER TABLE transfers ADD COLUMN item TEXT;

ALTER TABLE transfers ADD COLUMN meter_id TEXT;

UPDATE transfers SET item = 'compute' WHERE kind = 'charge';

DROP INDEX transfers_by_pod;

CREATE INDEX transfers_by_pod ON transfers (pod_id, at_ms) WHERE meter_id IS NULL;

DROP INDEX transfers_by_run;
