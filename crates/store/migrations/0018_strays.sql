CREATE TABLE strays (
    supplier TEXT NOT NULL,
    host TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    size BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    end_asked BIGINT,
    gone BIGINT,
    detail TEXT,
    PRIMARY KEY (supplier, host, volume_id)
);
