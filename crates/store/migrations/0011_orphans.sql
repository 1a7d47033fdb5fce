CREATE TABLE orphans (
    supplier TEXT NOT NULL,
    launch_key TEXT NOT NULL,
    foreign_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    pod_id TEXT,
    account_id TEXT,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    end_asked BIGINT,
    gone BIGINT,
    detail TEXT,
    PRIMARY KEY (supplier, launch_key, foreign_id)
);
