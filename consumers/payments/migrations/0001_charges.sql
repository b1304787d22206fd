-- One row per order, written before the provider is asked, so that no attempt is forgotten.
CREATE TABLE charges (
    order_id     TEXT   PRIMARY KEY,
    state        TEXT   NOT NULL,  -- pending, captured, declined
    amount_cents BIGINT NOT NULL,
    card         TEXT   NOT NULL,
    attempts     BIGINT NOT NULL,  -- how often the provider was asked; once it answered: which attempt it answered
    reason       TEXT              -- why it was declined, in the provider's words
);
