#!/usr/bin/env python3
"""tests/data/make_wide_tables.py - made-up patients with far more columns than rows, of which a few tell something.

  make_wide_tables.py FOLDER [--seed 1] [--patients 200] [--columns 2000] [--informative 20] [--shift 0.7]

Writes before.csv and after.csv (id, x0001, ...) and outcome.csv (id, label; as many 0 as 1). Every value is a normal
draw of deviation 1. In each view the informative columns, at random places, are shifted by +shift/2 or -shift/2 for
label 1 and the other way for label 0; informative.csv names them (view, column), which no training may read.
"""
import argparse
import pathlib
import random


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--columns", type=int, default=2000)
    parser.add_argument("--informative", type=int, default=20)
    parser.add_argument("--shift", type=float, default=0.7)
    a = parser.parse_args()
    draw = random.Random(a.seed)
    a.folder.mkdir(parents=True, exist_ok=True)
    labels = [row % 2 for row in range(a.patients)]
    draw.shuffle(labels)
    ids = [f"P{row + 1:04d}" for row in range(a.patients)]
    with open(a.folder / "outcome.csv", "w") as table:
        table.write("id,label\n" + "".join(f"{i},{y}\n" for i, y in zip(ids, labels)))
    names = [f"x{column + 1:04d}" for column in range(a.columns)]
    with open(a.folder / "informative.csv", "w") as told:
        told.write("view,column\n")
        for view in ("before", "after"):
            shift = {column: a.shift / 2 * draw.choice((-1, 1)) for column in draw.sample(range(a.columns), a.informative)}
            told.writelines(f"{view},{names[column]}\n" for column in sorted(shift))
            with open(a.folder / f"{view}.csv", "w") as table:
                table.write("id," + ",".join(names) + "\n")
                for i, y in zip(ids, labels):
                    sign = 1 if y else -1
                    values = (draw.gauss(0, 1) + sign * shift.get(column, 0.0) for column in range(a.columns))
                    table.write(i + "," + ",".join(f"{x:.4f}" for x in values) + "\n")


if __name__ == "__main__":
    main()
