#!/usr/bin/env python3
"""Reads an archive without the program, as FORMAT.md says: the events of its newest sound backup and of what was shipped
on top of it, a JSON list a line (id, time, group, path, component, control, source, kind, value, string, position). Gaps
and what is not as it should be go to standard error; the exit status is 1 where something is not.

    read.py ARCHIVE > events.jsonl
"""

import glob
import gzip
import hashlib
import json
import os
import re
import sqlite3
import struct
import sys
import tempfile
import zlib

LOST_DAY = re.compile(r"events-([^/]*)\.db was (?:removed|replaced) by another program$")
COLUMNS = """SELECT id, timestamp, change_group_id, control_path, component_name, control_name, source, kind, value,
    CAST(string_value AS TEXT), position FROM events ORDER BY id"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Reader:
    def __init__(self, archive):
        self.archive, self.rows, self.gaps, self.found, self.tables = archive, {}, {}, [], None

    def path(self, name):
        return os.path.join(self.archive, name)

    def bytes(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def read(self):
        manifest = self.newest()
        if manifest is None:
            self.found.append("no sound backup")
            return
        print("backup", manifest["id"], file=sys.stderr)
        for day in manifest["days"]:
            for stored in [day, *day.get("deltas", [])]:
                try:
                    self.day(stored, day["day"])
                except (OSError, EOFError, ValueError, zlib.error, sqlite3.Error) as wrong:
                    self.found.append(f"{stored['file']}: {wrong}")
        if len(self.rows) != manifest["events"]:
            self.found.append(f"{len(self.rows)} events in the days, not {manifest['events']}")
        if "shipped" in manifest:
            self.segments(manifest)

    def newest(self):
        """The manifest with the greatest sequence of those that are sound and of the archive's own store."""
        try:
            own = json.loads(self.bytes("archive.json"))["store"]
        except (OSError, ValueError, KeyError):
            own = None
        sound = []
        for path in glob.glob(self.path("backup-*.json")):
            name = os.path.basename(path)
            data = self.bytes(name)
            try:
                manifest = json.loads(data)
            except ValueError as wrong:
                self.found.append(f"{name}: {wrong}")
                continue
            sealed = b"".join(data.splitlines(keepends=True)[:-2])
            if manifest["seal"] != sha256(sealed):
                self.found.append(f"{name}: its seal is broken")
            elif manifest["format"] == 2 and own in (None, manifest["store"]):
                sound.append(manifest)
        return max(sound, key=lambda manifest: manifest["sequence"], default=None)

    def day(self, stored, name):
        packed = self.bytes(stored["file"])
        raw = gzip.decompress(packed)
        if sha256(packed) != stored["sha256"] or sha256(raw) != stored["raw_sha256"]:
            raise ValueError("another hash")
        with tempfile.NamedTemporaryFile(suffix=".db") as file:
            file.write(raw)
            file.flush()
            day = sqlite3.connect(f"file:{file.name}?immutable=1", uri=True)
            rows = day.execute("SELECT id, from_ms, to_ms, why FROM gaps")
            self.gaps.setdefault(name, {}).update((row[0], row[1:]) for row in rows)
            for row in day.execute(COLUMNS):
                self.rows[row[0]] = row
            wanted = "SELECT sql FROM sqlite_master WHERE name IN ('series', 'changes', 'origins', 'events')"
            if self.tables is None and day.execute("PRAGMA user_version").fetchone()[0] == 2:
                self.tables = [sql for (sql,) in day.execute(wanted + " ORDER BY type")]
            day.close()

    def standing_gaps(self):
        """All gaps but those of lost days that are back."""
        for written, gaps in self.gaps.items():
            for gap in gaps.values():
                lost = LOST_DAY.search(gap[2])
                if lost is None or lost[1] == written or lost[1] not in self.gaps:
                    yield gap

    def records(self):
        """Number, lineage, link to the record before, mark, and bytes of every record whose header is right: file by file
        in the order of their first records, each in its order."""
        files = []
        for path in sorted(glob.glob(self.path("segments/segment-*.jsonl.gz"))):
            files.append(list(self.records_of(os.path.relpath(path, self.archive))))
        files.sort(key=lambda records: records[0][0] if records else 0)
        return [record for records in files for record in records]

    def records_of(self, name):
        data, at = self.bytes(name), 0
        while at < len(data):
            header = data[at : at + 100]
            right = (
                len(header) == 100
                and header[:4] == b"\x1f\x8b\x08\x04"
                and (header[12:14], header[20:22]) == (b"QR", b"QS")
                and zlib.crc32(header[:96]) == struct.unpack_from("<I", header, 96)[0]
            )
            if not right:
                at += 1
                continue
            length = struct.unpack_from("<I", header, 16)[0]
            number, lineage = struct.unpack_from("<QQ", header, 24 + 32)
            record = data[at : at + length]
            yield number, f"{lineage:016x}", header[72:88].hex(), sha256(record)[:32], record
            at += max(length, 1)

    def segments(self, manifest):
        shipped = manifest["shipped"]
        last, marks, described, wanted = shipped["number"], [shipped["mark"]], {}, []
        for number, lineage, previous, own_mark, record in self.records():
            try:
                first, *lines = gzip.decompress(record).decode().splitlines()
                first, lists = json.loads(first), [json.loads(line) for line in lines]
            except (OSError, EOFError, ValueError, zlib.error) as wrong:
                self.found.append(f"record {number}: {wrong}")
                continue
            if first["store"] != manifest["store"]:
                self.found.append(f"record {number}: of another store")
                continue
            described.update((line[1], line[2:]) for line in lists if line[0] == "d")
            if number <= shipped["number"]:
                continue
            again = number <= last
            if again:
                self.found.append(f"record {number} is there again")
            elif number != last + 1:
                self.found.append(f"records {last + 1} to {number - 1} are missing")
            elif previous not in marks:
                del wanted[-1:]
                self.found.append(f"record {last} is another one than was shipped")
            marks = [*marks, own_mark] if number == last else [own_mark]
            last = max(last, number)
            wanted.append((again, lineage, first, lists))
        ends = {day["day"]: day["to_id"] for day in manifest["days"] if day["to_id"] is not None}
        for again, lineage, first, lists in wanted:
            end = ends.get(first["day"], -1)
            # With the same number as another one, and not what goes on from there: somebody else's.
            if lineage == manifest["lineage"] and not (again and first["after"] > end):
                self.put(described, lists, end, first["day"])
                ends[first["day"]] = max(end, first["to"])

    def put(self, described, lists, end, day):
        """Puts a record's rows behind the end of its day through a database whose view makes what follows from values."""
        into = sqlite3.connect(":memory:")
        for sql in self.tables or []:
            into.execute(sql)
        for line in lists:
            cells = [cell(item) for item in line[1:]]
            if line[0] == "s":
                for place, key in enumerate(cells):
                    series = [place, *(cell(item) for item in described[key])]
                    into.execute(f"INSERT INTO series VALUES ({','.join('?' * 13)})", series)
            elif line[0] == "c":
                into.execute("INSERT INTO changes VALUES (?,?,?,?,?,?)", cells)
            elif line[0] == "g":
                self.gaps.setdefault(day, {})[cells[0]] = tuple(cells[1:4])
        for row in into.execute(COLUMNS):
            self.gaps.setdefault(day, {})
            if row[0] > end:
                self.rows.setdefault(row[0], row)
        into.close()


def cell(item):
    return bytes.fromhex(item["blob"]) if isinstance(item, dict) else item


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    reader = Reader(sys.argv[1])
    reader.read()
    for _, row in sorted(reader.rows.items()):
        print(json.dumps(row, ensure_ascii=False))
    for gap in sorted(reader.standing_gaps()):
        print("gap", json.dumps(gap, ensure_ascii=False), file=sys.stderr)
    for wrong in reader.found:
        print("wrong:", wrong, file=sys.stderr)
    sys.exit(1 if reader.found else 0)


if __name__ == "__main__":
    main()
