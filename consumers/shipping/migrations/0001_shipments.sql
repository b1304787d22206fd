CREATE TABLE shipments (
    order_id      TEXT PRIMARY KEY,
    customer      TEXT NOT NULL,  -- JSON
    tracking_code TEXT NOT NULL
);
