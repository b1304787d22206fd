-- Everything is counted in editions: one answers, one is being written. They are the same unless a rebuild is under way. One row.
CREATE TABLE editions (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    answering BIGINT NOT NULL,
    writing   BIGINT NOT NULL,
    latest    BIGINT NOT NULL,  -- the highest that was ever written
    through   BIGINT            -- the last entry of the log that the answering one counts
);
INSERT INTO editions (one, answering, writing, latest) VALUES (1, 1, 1, 1);

-- The log may hold an event twice: publishing is at least once.
CREATE TABLE counted_orders (
    edition  BIGINT NOT NULL,
    order_id TEXT   NOT NULL,
    PRIMARY KEY (edition, order_id)
);

CREATE TABLE totals (
    edition       BIGINT PRIMARY KEY,
    orders        BIGINT NOT NULL,
    revenue_cents BIGINT NOT NULL
);

CREATE TABLE minutes (
    edition       BIGINT NOT NULL,
    minute        BIGINT NOT NULL,  -- since 1970
    orders        BIGINT NOT NULL,
    revenue_cents BIGINT NOT NULL,
    PRIMARY KEY (edition, minute)
);

CREATE TABLE articles (
    edition BIGINT NOT NULL,
    sku     TEXT   NOT NULL,
    units   BIGINT NOT NULL,
    PRIMARY KEY (edition, sku)
);

CREATE TABLE minute_articles (
    edition BIGINT NOT NULL,
    minute  BIGINT NOT NULL,
    sku     TEXT   NOT NULL,
    units   BIGINT NOT NULL,
    PRIMARY KEY (edition, minute, sku)
);
