-- What counting the shelf has found more than the books said, or less if negative. At any time, for each article:
-- start_stock + corrected = stock + the units that lie aside.
ALTER TABLE articles ADD COLUMN corrected BIGINT NOT NULL DEFAULT 0;
-- When the newest count was made that took effect, in milliseconds since 1970.
ALTER TABLE articles ADD COLUMN counted_at BIGINT NOT NULL DEFAULT -1;

-- A count says what lay on the shelf when it was made, and may arrive much later. So that it can be compared with what the
-- books said then, they tell since when units lie aside, and what lay aside for orders that were cancelled.
ALTER TABLE reserved_lines ADD COLUMN reserved_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX reserved_lines_by_time ON reserved_lines (sku, reserved_at);
CREATE TABLE released_lines (
    order_id    TEXT   NOT NULL REFERENCES reservations (order_id),
    sku         TEXT   NOT NULL REFERENCES articles (sku),
    units       BIGINT NOT NULL,
    reserved_at BIGINT NOT NULL,
    released_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, sku)
);
CREATE INDEX released_lines_by_time ON released_lines (sku, released_at);

-- One row per count that was heard of, so that one that arrives again changes nothing.
CREATE TABLE counts (
    scanner    TEXT   NOT NULL,
    count_id   TEXT   NOT NULL,
    sku        TEXT   NOT NULL,
    units      BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    correction BIGINT,          -- by how much the stock was changed; nothing when a newer count had come before
    PRIMARY KEY (scanner, count_id)
);
