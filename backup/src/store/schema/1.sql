-- A day file, version 1. One UTC day of events, complete in itself.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,   -- sqlite_version, program_version, alive_ms, stopped, importing, state_id, state_sha256, edits
    value
) WITHOUT ROWID;

-- The dictionary: the repeating text of events, and by which rules strings and positions follow from values here.
CREATE TABLE series (
    id           INTEGER PRIMARY KEY,
    change_group TEXT NOT NULL,
    path         TEXT NOT NULL,
    component    TEXT NOT NULL,
    control      TEXT NOT NULL,
    source       TEXT NOT NULL,
    rule         TEXT,              -- how string follows from value: same, two, fixed, three; NULL: it never does
    digits       INTEGER,           -- fixed: decimals
    unit         TEXT,              -- fixed, three: what follows the digits
    off          TEXT,              -- two: the string of 0 and false
    "on"         TEXT,              -- two: the string of 1 and true
    low          REAL,              -- position runs linearly from low ...
    high         REAL,              -- ... to high, in single precision cut to 8 decimals; NULL: it never follows
    UNIQUE (path, component, control, change_group, source)
);

CREATE TABLE changes (
    id       INTEGER PRIMARY KEY,   -- Unix ms << 12 | counter: identity and order
    series   INTEGER NOT NULL,
    value,                          -- number, TEXT, x'00' false, x'01' true, NULL none
    string,                         -- TEXT; NULL: follows from value by the series' rule; x'': none
    position,                       -- number; NULL: follows from value by low and high; x'': none
    at       INTEGER                -- wall time in Unix ms where it is not id >> 12
);

-- Nobody changes a change; where somebody did by hand, the next backup stores the day whole again.
CREATE TRIGGER edited AFTER UPDATE ON changes BEGIN
    INSERT INTO meta (key, value) VALUES ('edits', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1;
END;

-- Which changes belong to which series, written block by block: an index without a B-tree on the hot path.
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,      -- id of the block's first change
    last  INTEGER NOT NULL,         -- id of its last change; later blocks begin after it
    count INTEGER NOT NULL
);
CREATE TABLE postings (
    block  INTEGER NOT NULL,        -- blocks.first
    series INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    ids    BLOB NOT NULL,           -- LEB128 differences of ids, the first from blocks.first
    PRIMARY KEY (block, series)
) WITHOUT ROWID;

-- The full state at a moment, before all changes with its id or a greater one.
CREATE TABLE keyframes (
    id     INTEGER PRIMARY KEY,     -- as the ids of changes
    reason TEXT NOT NULL,           -- day, connect, gap, block
    count  INTEGER NOT NULL
);
CREATE TABLE keyframe_states (
    keyframe INTEGER NOT NULL,
    series   INTEGER NOT NULL,
    value, string, position,        -- as in changes, but always written out
    PRIMARY KEY (keyframe, series)
) WITHOUT ROWID;

CREATE TABLE gaps (
    id      INTEGER PRIMARY KEY,
    from_ms INTEGER NOT NULL,
    to_ms   INTEGER NOT NULL,
    why     TEXT NOT NULL
);

-- Changes that could not be stored as they came, with the reason.
CREATE TABLE quarantine (
    id     INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    series TEXT NOT NULL,
    value  TEXT,
    string TEXT,
    reason TEXT NOT NULL
);

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
    CASE typeof(c.value) WHEN 'blob' THEN 'bool' WHEN 'text' THEN 'text' WHEN 'null' THEN NULL ELSE 'number' END AS kind
FROM changes c CROSS JOIN series s ON s.id = c.series;
