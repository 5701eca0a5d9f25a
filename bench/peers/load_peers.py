#!/usr/bin/env python3
# bench/peers/load_peers.py - tables loaded by pandas, polars and pyarrow, timed: the peers of the reader of tables.
"""Writes two made-up tables, one tall (100,000 rows of 200 numbers) and one wide (500 rows of 20,000), each with a
column of ids, one of labels, numbers of six digits and 1 % of them missing, and loads each as a user of the library
writes it: read the CSV, fill gaps with the column's median, subtract the mean and divide by the deviation of all rows;
features end as a float32 array [rows, columns] of NumPy.

Every round is a process of its own; modules are imported before the clock starts. Prints a Markdown table: the best
seconds of the rounds, the peak resident memory of that round and what of it the imports alone took, and how many of the
numbers of the first 200 rows are not the double nearest to what the file says.

--equipoise names the project's own benchmark; it is called as PROGRAM --threads N TABLE and prints, for each round it
makes, a line "table seconds peak_bytes threads".

Usage: bench/peers/load_peers.py [--equipoise build/cpu/bench/load_bench] [--rounds 5] [--table wide] [--only pandas]
                                 [--small]"""

import argparse
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

TABLES = {"tall": (100_000, 200), "wide": (500, 20_000)}
CHECKED_ROWS = 200
MISSING = 0.01
METHODS = [  # name, threads
    ("pandas", 1), ("pandas high", 1), ("pandas round_trip", 1), ("polars", 1), ("polars", 2),
    ("pyarrow", 1), ("pyarrow", 2),
]


def write_table(path, rows, columns, seed):
    """id, columns of numbers whose sizes differ by six powers of ten, label; "%.6g", nothing where missing."""
    draw = np.random.default_rng(seed)
    scale = 10.0 ** draw.uniform(-3, 3, columns)
    shift = scale * draw.normal(0, 2, columns)
    line = ",".join(["%.6g"] * columns)
    with open(path, "w") as table:
        table.write("id," + ",".join(f"f{c:05d}" for c in range(columns)) + ",label\n")
        for row in range(rows):
            values = draw.normal(shift, scale)
            values[draw.random(columns) < MISSING] = np.nan
            table.write(f"P{row:06d},{line % tuple(values.tolist())},{row % 2}\n".replace("nan", ""))


def load_pandas(path, precision, threads):
    import pandas as pd

    def load():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # float_precision is deprecated in pandas 3.1
            frame = pd.read_csv(path, engine="c", **({"float_precision": precision} if precision else {}))
        raw = frame.drop(columns=["id", "label"])
        filled = raw.fillna(raw.median())
        features = ((filled - filled.mean()) / filled.std(ddof=0)).to_numpy(np.float32)
        return frame["id"].to_numpy(), frame["label"].to_numpy(), features, lambda rows: raw.head(rows).to_numpy()
    return load


def load_polars(path, precision, threads):
    import polars as pl

    def load():
        frame = pl.read_csv(path, infer_schema_length=1000)
        raw = frame.drop("id", "label")
        filled = raw.select(pl.all().fill_null(pl.all().median()))
        features = filled.select(((pl.all() - pl.all().mean()) / pl.all().std(ddof=0)).cast(pl.Float32)).to_numpy()
        return frame["id"].to_numpy(), frame["label"].to_numpy(), features, lambda rows: raw.head(rows).to_numpy()
    return load


def load_pyarrow(path, precision, threads):
    import pyarrow as pa
    import pyarrow.csv
    pa.set_cpu_count(threads)

    def load():
        table = pa.csv.read_csv(path, read_options=pa.csv.ReadOptions(use_threads=threads > 1))
        names = [name for name in table.column_names if name not in ("id", "label")]
        features = np.empty((table.num_rows, len(names)), np.float32)
        for c, name in enumerate(names):
            column = table[name].to_numpy().astype(np.float64)
            gap = np.isnan(column)
            column[gap] = np.median(column[~gap])
            features[:, c] = (column - column.mean()) / column.std()
        raw = lambda rows: np.stack([table[name].slice(0, rows).to_numpy() for name in names], axis=1)
        return table["id"].to_numpy(), table["label"].to_numpy(), features, raw
    return load


def wrong_doubles(path, raw):
    """Cells of the first rows that are not what Python's float, which rounds correctly, makes of their text."""
    with open(path) as table:
        next(table)
        rows = [next(table).rstrip("\n").split(",")[1:-1] for _ in range(CHECKED_ROWS)]
    exact = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])
    return int((~((raw(CHECKED_ROWS) == exact) | np.isnan(exact))).sum()), exact.size


def peak_bytes():
    """Of this process. Linux's ru_maxrss begins with what the parent held when it forked; VmHWM does not."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def work(method, threads, path):
    """One round in a process of its own; prints its figures as JSON."""
    name, _, precision = method.partition(" ")
    load = {"pandas": load_pandas, "polars": load_polars, "pyarrow": load_pyarrow}[name](path, precision, threads)
    imports = peak_bytes()
    begin = time.perf_counter()
    ids, labels, features, raw = load()
    seconds = time.perf_counter() - begin
    peak = peak_bytes()
    assert features.dtype == np.float32 and len(ids) == len(labels) == len(features), features.shape
    assert np.isfinite(features).all() and abs(features.mean()) < 1e-3 and abs(features.std() - 1) < 1e-3
    wrong, of = wrong_doubles(path, raw)
    print(json.dumps({"seconds": seconds, "peak": peak, "imports": imports, "wrong": wrong, "of": of,
                      "version": sys.modules[name].__version__, "shape": features.shape}))


def rounds_of(method, threads, path, rounds):
    environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = str(threads)
    command = [sys.executable, __file__, "--worker", method, str(threads), str(path)]
    found = [json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
             for _ in range(rounds)]
    return min(found, key=lambda one: one["seconds"])


def rounds_of_program(program, threads, path, rounds):
    lines = []
    for _ in range(rounds):
        printed = subprocess.run([program, "--threads", str(threads), str(path)], check=True, capture_output=True,
                                 text=True).stdout
        lines += [line.split() for line in printed.splitlines() if line.strip()]
    fields = [(float(seconds), int(peak)) for _, seconds, peak, told in lines if int(told) == threads]
    if not fields:
        sys.exit(f"{program} printed no line 'table seconds peak_bytes {threads}'")
    seconds, peak = min(fields)
    return {"seconds": seconds, "peak": peak, "version": "", "imports": None, "wrong": None, "of": None}


def show(name, threads, best, size):
    mb = lambda of: "" if of is None else f"{of / 1e6:.0f}"
    wrong = "" if best["wrong"] is None else f"{best['wrong']:,} of {best['of']:,}"
    library, _, option = name.partition(" ")
    name = f"{library} {best['version']}".strip() + (f", {option}" if option else "")
    print(f"| {name} | {threads} | {best['seconds']:.3f} | {size / best['seconds'] / 1e6:.0f} | "
          f"{mb(best['peak'])} | {mb(best['imports'])} | {wrong} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--equipoise", metavar="PROGRAM", help="benchmark of the project's own loader")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--table", choices=TABLES, help="one of the two alone")
    parser.add_argument("--small", action="store_true", help="a hundredth of the rows or columns, to try the script")
    parser.add_argument("--only", default="", help="methods whose names begin so")
    parser.add_argument("--worker", nargs=3, metavar=("METHOD", "THREADS", "TABLE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        method, threads, path = arguments.worker
        return work(method, int(threads), path)
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} processors, load "
          f"{os.getloadavg()[0]:.1f} at the start; best of {arguments.rounds}")
    with tempfile.TemporaryDirectory() as folder:
        for number, (table, (rows, columns)) in enumerate(TABLES.items(), 1):
            if arguments.table not in (None, table):
                continue
            if arguments.small:
                rows, columns = (rows // 100, columns) if rows > columns else (rows, columns // 100)
            path = pathlib.Path(folder) / f"{table}.csv"
            write_table(path, rows, columns, number)
            size = path.stat().st_size
            print(f"\n{rows:,} rows x {columns:,} numbers, {size / 1e6:.0f} MB:\n\n"
                  "| program | threads | s | MB/s | peak MB | of imports | wrong doubles |\n" + "|---" * 7 + "|")
            if arguments.equipoise:
                for threads in (1, 2):
                    best = rounds_of_program(arguments.equipoise, threads, path, arguments.rounds)
                    show("equipoise", threads, best, size)
            for method, threads in METHODS:
                if method.startswith(arguments.only):
                    show(method, threads, rounds_of(method, threads, path, arguments.rounds), size)
            path.unlink()


if __name__ == "__main__":
    main()
