-- Messages that a committed transaction wants published. A row is there until the broker has confirmed the message.
CREATE TABLE garenne_outbox (
    position    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         TEXT   NOT NULL,  -- rows of one key are published in the order of their positions
    exchange    TEXT   NOT NULL,
    routing_key TEXT   NOT NULL,
    message_id  TEXT   NOT NULL,
    properties  TEXT   NOT NULL,  -- JSON, with the headers
    body        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,  -- milliseconds since 1970, as all times here
    attempts    BIGINT NOT NULL DEFAULT 0,  -- how often the broker refused it
    not_before  BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT
);
CREATE INDEX garenne_outbox_key ON garenne_outbox (key, position);

-- Messages whose effects are committed.
CREATE TABLE garenne_inbox (
    queue      TEXT   NOT NULL,
    message_id TEXT   NOT NULL,
    digest     TEXT   NOT NULL,  -- of the body, to tell the same message from another one under the same id
    handled_at BIGINT NOT NULL,
    PRIMARY KEY (queue, message_id)
);
CREATE INDEX garenne_inbox_handled_at ON garenne_inbox (handled_at);
