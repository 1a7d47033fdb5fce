UPDATE accounts SET name = name || ' (' || id || ')'
WHERE EXISTS (
    SELECT 1 FROM accounts first
    WHERE first.name = accounts.name
        AND (first.created < accounts.created
            OR (first.created = accounts.created AND first.id < accounts.id))
);

CREATE UNIQUE INDEX accounts_by_name ON accounts (name);

ALTER TABLE accounts ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
