-- Version 2: what was recorded can be told from what was altered, and what the record knows besides values has its place.

-- Digests over the meaning of the day's first changes, so that a digest up to any of them needs few rows (FORMAT.md).
CREATE TABLE digests (
    count  INTEGER PRIMARY KEY,     -- of how many changes, from the first on; a multiple of 8192
    id     INTEGER NOT NULL,        -- the last of them
    sha256 BLOB NOT NULL
);

-- Nobody changes or removes a change; where somebody did by hand, it is counted, and digests that held it are void.
DROP TRIGGER IF EXISTS edited;
CREATE TRIGGER edited AFTER UPDATE ON changes BEGIN
    INSERT INTO meta (key, value) VALUES ('edits', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1;
    DELETE FROM digests WHERE id >= min(old.id, new.id);
END;
CREATE TRIGGER removed AFTER DELETE ON changes BEGIN
    INSERT INTO meta (key, value) VALUES ('edits', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1;
    DELETE FROM digests WHERE id >= old.id;
END;

-- What is known of an event besides its content.
CREATE TABLE origins (
    id    INTEGER PRIMARY KEY,      -- changes.id
    "by"  TEXT,                     -- who or what caused it, where that is known
    since INTEGER                   -- found by a re-reading: it happened after this Unix ms and up to its own time
);

-- Steps of the wall clock, as the recorder saw them.
CREATE TABLE clock_steps (
    id      INTEGER PRIMARY KEY,    -- as the ids of changes: the step came before all changes from here on
    from_ms INTEGER NOT NULL,       -- what the clock would have shown
    to_ms   INTEGER NOT NULL,       -- what it showed
    how     TEXT NOT NULL           -- how it is known
);

-- What a control is, from an id on: as the Core described it.
CREATE TABLE controls (
    path           TEXT NOT NULL,
    id             INTEGER NOT NULL,    -- it holds for changes from here on
    type           TEXT,
    direction      TEXT,                -- Read, Write, Read/Write
    low            REAL,
    high           REAL,
    low_string     TEXT,
    high_string    TEXT,
    unit           TEXT,
    component_type TEXT,
    properties     TEXT,                -- JSON
    aliases        TEXT,                -- JSON: names of Named Controls
    PRIMARY KEY (path, id)
) WITHOUT ROWID;

-- Which design ran, from an id on.
CREATE TABLE designs (
    id        INTEGER PRIMARY KEY,
    name      TEXT,
    code      TEXT,
    platform  TEXT,
    redundant INTEGER
);

DROP VIEW events;
CREATE VIEW events AS
SELECT
    c.id AS id,
    coalesce(c.at, c.id >> 12) AS timestamp,
    s.change_group AS change_group_id,
    s.path AS control_path,
    s.component AS component_name,
    s.control AS control_name,
    CASE typeof(c.value) WHEN 'blob' THEN CAST(c.value = x'01' AS REAL) WHEN 'integer' THEN CAST(c.value AS REAL) ELSE c.value END AS value,
    CASE typeof(c.string)
        WHEN 'text' THEN c.string
        WHEN 'null' THEN
            CASE s.rule
                WHEN 'same' THEN c.value
                WHEN 'two' THEN CASE WHEN c.value IN (0, x'00') THEN s.off ELSE s."on" END
                WHEN 'fixed' THEN printf('%.*f', s.digits, c.value) || s.unit
                WHEN 'three' THEN
                    CASE
                        WHEN c.value = 0 THEN '0'
                        WHEN abs(c.value) < 9.995 THEN printf('%.2f', c.value)
                        WHEN abs(c.value) < 99.95 THEN printf('%.1f', c.value)
                        ELSE printf('%.0f', c.value)
                    END || s.unit
            END
    END AS string_value,
    s.source AS source,
    datetime((c.id >> 12) / 1000, 'unixepoch') AS created_at,
    CASE typeof(c.position)
        WHEN 'blob' THEN NULL
        WHEN 'null' THEN
            -- Rounding to single precision: x - (x - kx) with k = 2^29 + 1 keeps the upper 24 bits.
            CAST((((c.value - s.low) / (s.high - s.low)) * 536870913.0
                - (((c.value - s.low) / (s.high - s.low)) * 536870913.0 - ((c.value - s.low) / (s.high - s.low))))
                * 100000000.0 AS INTEGER) / 100000000.0
        ELSE CAST(c.position AS REAL)
    END AS position,
    CASE typeof(c.value) WHEN 'blob' THEN 'bool' WHEN 'text' THEN 'text' WHEN 'null' THEN NULL ELSE 'number' END AS kind,
    o."by" AS "by",
    o.since AS since
FROM changes c CROSS JOIN series s ON s.id = c.series LEFT JOIN origins o ON o.id = c.id;
