ALTER TABLE accounts ADD COLUMN out_since BIGINT;

ALTER TABLE accounts ADD COLUMN last_warned BIGINT;

ALTER TABLE accounts ADD COLUMN auto_pay_cap BIGINT;

CREATE TABLE vouchers (
    hash TEXT PRIMARY KEY,
    amount BIGINT NOT NULL,
    label TEXT NOT NULL,
    created BIGINT NOT NULL,
    redeemed_by TEXT REFERENCES accounts (id),
    redeemed BIGINT
);

CREATE TABLE usage_days (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    day BIGINT NOT NULL,
    subject TEXT NOT NULL,
    item TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (account_id, day, subject, item)
);

INSERT INTO usage_days (account_id, day, subject, item, amount)
SELECT account_id, at_ms / 86400000, pod_id, 'compute', CAST(SUM(amount) AS BIGINT)
FROM transfers WHERE kind = 'charge' AND pod_id IS NOT NULL
GROUP BY account_id, at_ms / 86400000, pod_id;

CREATE INDEX transfers_top_ups ON transfers (account_id, at_ms) WHERE kind = 'top-up';
