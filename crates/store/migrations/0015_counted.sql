-- A pod or network volume has a count of time of its own: by it it is billed, however clocks are set. When it
-- was last looked at by that, by the wall clock, and by which steady clock that showed what; none before its
-- next look.
ALTER TABLE pods ADD COLUMN counted BIGINT;
ALTER TABLE pods ADD COLUMN counted_wall BIGINT;
ALTER TABLE pods ADD COLUMN counted_clock BIGINT;
ALTER TABLE pods ADD COLUMN counted_shows BIGINT;
ALTER TABLE volumes ADD COLUMN counted BIGINT;
ALTER TABLE volumes ADD COLUMN counted_wall BIGINT;
ALTER TABLE volumes ADD COLUMN counted_clock BIGINT;
ALTER TABLE volumes ADD COLUMN counted_shows BIGINT;
