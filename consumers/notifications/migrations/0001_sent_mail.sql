CREATE TABLE sent_mail (
    order_id TEXT NOT NULL,
    kind     TEXT NOT NULL,  -- order-confirmed, order-cancelled, shipment-dispatched
    PRIMARY KEY (order_id, kind)
);
