-- The books of the simulated provider, which in life are elsewhere.
CREATE TABLE provider_books (
    idempotency_key TEXT   PRIMARY KEY,
    tries           BIGINT NOT NULL,
    captured_cents  BIGINT  -- what was taken; taken once, however often it is asked for
);
