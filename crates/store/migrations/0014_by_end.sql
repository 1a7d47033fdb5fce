-- What an account has that lives or has ended lately, without reading all that it ever had.
CREATE INDEX pods_by_end ON pods (account_id, ended);

CREATE INDEX runs_by_end ON runs (account_id, ended);
