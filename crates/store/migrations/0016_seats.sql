-- Control planes that share this database, and which hosts are connected to which: what is on a host is
-- claimed by those that can reach it.
CREATE TABLE planes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    alive_until BIGINT NOT NULL
);

CREATE TABLE seats (
    host TEXT NOT NULL,
    plane TEXT NOT NULL REFERENCES planes (id),
    PRIMARY KEY (host, plane)
);

ALTER TABLE pods ADD COLUMN host TEXT;

UPDATE pods SET host = REPLACE(foreign_id, '/' || id, '')
WHERE ended IS NULL AND foreign_id LIKE 'host_%' AND foreign_id LIKE '%/' || id;

CREATE INDEX pods_by_host ON pods (host) WHERE ended IS NULL;

-- The control plane that has a run's files, its log and its results.
ALTER TABLE runs ADD COLUMN home TEXT;
