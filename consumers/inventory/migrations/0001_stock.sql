CREATE TABLE articles (
    sku         TEXT   PRIMARY KEY,
    name        TEXT   NOT NULL,
    price_cents BIGINT NOT NULL CHECK (price_cents BETWEEN 0 AND 10000000),
    start_stock BIGINT NOT NULL,
    stock       BIGINT NOT NULL CHECK (stock >= 0)
);

-- One row per order that was heard of, so that whatever arrives again gets the same answer.
CREATE TABLE reservations (
    order_id TEXT PRIMARY KEY,
    state    TEXT NOT NULL,  -- reserved, rejected, released, cancelled (before anything was reserved)
    answer   TEXT            -- the event that was published about it, as JSON
);

-- What lies aside for the orders whose reservation is in state `reserved`. At any time, for each article:
-- start_stock = stock + the units that lie aside.
CREATE TABLE reserved_lines (
    order_id TEXT   NOT NULL REFERENCES reservations (order_id),
    sku      TEXT   NOT NULL REFERENCES articles (sku),
    units    BIGINT NOT NULL,
    PRIMARY KEY (order_id, sku)
);
