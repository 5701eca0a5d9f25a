#!/usr/bin/env python3
"""tests/data/tables/check_tables.py - reads every table of readable.csv with Python's csv and float alone, and asks for what
expected/ says of it; asks that every file is listed once, in readable.csv or refused.csv.

What expected/ says of a column, rows in the order of the ids' bytes:
  kind    id, number, boolean (read as 0 and 1), date, moment (a date with a time), words, empty
  known   how many cells are not missing
  sum     of the known numbers, correctly rounded; of dates in days, of moments in seconds since 1970-01-01
  first   the first known cell, and the last; a moment as ISO 8601 without its zone
  bits    the first 16 digits of the SHA-256 of all cells as little-endian float64, a missing one as 7ff8000000000000 and
          -0 as 0; "" of words, dates and moments
  words   the words of a column of words, and how often each
Usage: check_tables.py [--write]     --write writes expected/ anew from the first file that readable.csv lists for it
"""
import collections
import csv
import datetime
import gzip
import hashlib
import io
import math
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
MISSING = {"", "?", ".", "na", "n/a", "nan", "#n/a", "<na>", "null"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d*,\d+|\d+,)([eE][+-]?\d+)?")
BOOLEAN = {"true": 1.0, "false": 0.0, "wahr": 1.0, "falsch": 0.0}
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(Z|\+00:00)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
COLUMNS = ["column", "kind", "known", "sum", "first", "last", "bits", "words"]


def missing(cell):
    return cell == "None" or cell.lower() in MISSING


def separator_of(text):
    """Whichever of the four the first line has most of outside quotes, and what is left to read."""
    if match := re.match(r"sep=(.)\r?\n", text):
        return match[1], text[match.end():]
    text = text.lstrip("\r\n")
    line, quoted = collections.Counter(), False
    for c in text:
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "\r\n":
            break
        elif not quoted:
            line[c] += 1
    return max(",;\t|", key=lambda s: line[s]), text


def read(path):
    """Header and rows of text, and what was left out: (names, rows, told)."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    separator, text = separator_of(data.decode("utf-8-sig"))
    records = [[cell.strip() for cell in record] for record in
               csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if record]
    names, rows, told = records[0], records[1:], []
    empty = 0
    while rows and not any(rows[-1]):
        rows.pop()
        empty += 1
    if empty:
        told.append(f"{empty} lines of separators")
    if all(len(row) == len(names) + 1 for row in rows):  # write.table's row names, or a separator at the end of each row
        if any(row[-1] for row in rows):
            names = [""] + names
        else:
            rows = [row[:-1] for row in rows]
            told.append("separators at the ends of rows")
    while names[-1] == "" and not any(row[-1] for row in rows):
        names, rows = names[:-1], [row[:-1] for row in rows]
        told.append("an empty column")
    assert all(len(row) == len(names) for row in rows), f"{path}: ragged"
    if separator != "," or path.parent.name == "decimal_commas":
        cells = {cell for row in rows for cell in row}
        if any("," in cell and COMMA_NUMBER.fullmatch(cell) for cell in cells):
            assert not any("." in cell and NUMBER.fullmatch(cell) for cell in cells - {"."}), f"{path}: both"
            rows = [[cell.replace(",", ".") if COMMA_NUMBER.fullmatch(cell) else cell for cell in row] for row in rows]
    if "" in names:  # row names
        at = names.index("")
        if "id" in names:
            names, rows = names[:at] + names[at + 1:], [row[:at] + row[at + 1:] for row in rows]
            told.append("row names")
        else:
            names[at] = "id"
            told.append("ids from row names")
    return names, rows, told


def describe(name, cells):
    """The line of expected/ for one column."""
    known = [cell for cell in cells if not missing(cell)]
    line = dict.fromkeys(COLUMNS, "") | {"column": name, "known": str(len(known))}
    if name == "id":
        return line | {"kind": "id", "first": known[0], "last": known[-1]}
    if not known:
        return line | {"kind": "empty"}
    if all(DATE.fullmatch(cell) for cell in known):
        days = sum((datetime.date.fromisoformat(cell) - datetime.date(1970, 1, 1)).days for cell in known)
        return line | {"kind": "date", "sum": str(days), "first": known[0], "last": known[-1]}
    if all(MOMENT.fullmatch(cell) for cell in known):
        moments = ["T".join(MOMENT.fullmatch(cell).groups()[:2]) for cell in known]
        seconds = [datetime.datetime.fromisoformat(moment + "+00:00").timestamp() for moment in moments]
        return line | {"kind": "moment", "sum": f"{sum(seconds):.0f}", "first": moments[0], "last": moments[-1]}
    kind = None
    if all(cell.lower() in BOOLEAN for cell in known):
        kind, value = "boolean", lambda cell: BOOLEAN[cell.lower()]
    elif all(NUMBER.fullmatch(cell) for cell in known):
        kind, value = "number", float
    if kind is None:
        counts = sorted(collections.Counter(known).items())
        return line | {"kind": "words", "first": known[0], "last": known[-1],
                       "words": " ".join(f"{word}={n}" for word, n in counts)}
    values = [math.nan if missing(cell) else value(cell) + 0.0 for cell in cells]
    numbers = [x for x in values if not math.isnan(x)]
    assert all(math.isfinite(x) for x in numbers), name
    try:
        total = f"{math.fsum(numbers):.17g}"
    except OverflowError:
        total = ""
    packed = b"".join(bytes.fromhex("000000000000f87f") if math.isnan(x) else struct.pack("<d", x) for x in values)
    return line | {"kind": kind, "sum": total, "first": f"{numbers[0]:.17g}", "last": f"{numbers[-1]:.17g}",
                   "bits": hashlib.sha256(packed).hexdigest()[:16]}


def described(path):
    names, rows, told = read(path)
    at = names.index("id")
    rows.sort(key=lambda row: row[at].encode())
    return [describe(name, [row[k] for row in rows]) for k, name in enumerate(names)], len(rows), told


def listed(name):
    with open(HERE / name, newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def sums_of_programs():
    """Where R and pandas count or add up frame/ otherwise than expected/frame.csv, but for the rounding of their sums."""
    expected = {line["column"]: line for line in listed("expected/frame.csv")}
    for program in ("r", "pandas"):
        for line in listed(f"expected/frame_read_by_{program}.csv"):
            ours = expected[line["column"]]
            if line["known"] != ours["known"] or not math.isclose(float(line["sum"]), float(ours["sum"]), rel_tol=1e-14):
                yield f"{program} has {line} and not {ours}"


def main():
    faults = []
    write = "--write" in sys.argv[1:]
    readable, refused = listed("readable.csv"), listed("refused.csv")
    every = sorted(line["file"] for line in readable + refused)
    present = sorted(str(path.relative_to(HERE)) for path in HERE.glob("*/*")
                     if path.parent.name not in ("expected", "__pycache__") and path.name != "bits.csv")
    faults += [f"{name}: listed {every.count(name)} times" for name in sorted(set(every + present))
               if every.count(name) != 1 or name not in present]
    written = set()
    for line in readable:
        found, rows, told = described(HERE / line["file"])
        if str(rows) != line["rows"]:
            faults.append(f"{line['file']}: {rows} rows")
        if "; ".join(told) != line["told"]:
            faults.append(f"{line['file']}: told {told}")
        to = HERE / "expected" / f"{line['expected']}.csv"
        if write and to not in written:
            written.add(to)
            to.parent.mkdir(exist_ok=True)
            with open(to, "w", newline="", encoding="utf-8") as table:
                lines = csv.DictWriter(table, COLUMNS, lineterminator="\n")
                lines.writeheader()
                lines.writerows(found)
        for column, expected in zip(found, listed(f"expected/{line['expected']}.csv"), strict=True):
            same_boolean = {column["kind"], expected["kind"]} == {"boolean", "number"}  # TRUE in one file, 1 in another
            if column | ({"kind": expected["kind"]} if same_boolean else {}) != expected:
                faults.append(f"{line['file']}: {column} and not {expected}")
    faults += sums_of_programs()
    print("\n".join(faults) if faults else f"{len(readable)} tables read as expected, {len(refused)} to refuse")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
