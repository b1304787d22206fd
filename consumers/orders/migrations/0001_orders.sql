CREATE TABLE orders (
    order_id      TEXT   PRIMARY KEY,
    customer      TEXT   NOT NULL,  -- JSON
    lines         TEXT   NOT NULL,  -- JSON
    card          TEXT   NOT NULL,
    status        TEXT   NOT NULL,  -- placed, reserved, confirmed, dispatched, cancelled
    total_cents   BIGINT,           -- known once the stock is reserved
    cancel_reason TEXT              -- out-of-stock, payment-declined
);
