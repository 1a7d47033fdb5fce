CREATE TABLE registry_logins (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    registry TEXT NOT NULL,
    username TEXT NOT NULL,
    password TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account_id, registry)
);
