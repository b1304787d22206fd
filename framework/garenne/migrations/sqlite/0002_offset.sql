-- How far the logs are read. A row changes in the transaction in which what was read has its effects.
CREATE TABLE garenne_offset (
    log         TEXT   NOT NULL,
    reader      TEXT   NOT NULL,
    last_offset BIGINT NOT NULL,            -- of the last entry whose effects are committed; -1: of none
    message_id  TEXT,                       -- of that entry, to tell the log from another one of its name
    unreadable  BIGINT NOT NULL DEFAULT 0,  -- entries that the reader wanted and could not read, and passed over
    missed      BIGINT NOT NULL DEFAULT 0,  -- entries that the log no longer had when the reader came to them
    updated_at  BIGINT NOT NULL,            -- milliseconds since 1970
    PRIMARY KEY (log, reader)
);
