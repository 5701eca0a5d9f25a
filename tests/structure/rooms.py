"""tests/structure/rooms.py - every include points to the same room or to one above it in the map of CONTRIBUTING.md.

  rooms.py ROOT      checks the tree
  rooms.py --self    checks the check: faults planted in small trees must be found

A file of kernels, engine or host lies in a room; a folder of tests/<folder> or bench bears a room's name.
"""

import re
import sys
import tempfile
from pathlib import Path

FOLDERS = ("kernels", "engine", "host")
SOURCES = {".h", ".cuh", ".cpp", ".cu"}
MAP = Path(".github/CONTRIBUTING.md")


def rooms_of(root):
    """Rooms in the order of the map, such as kernels/balance/solve."""
    block = re.search(r"^```rooms\n(.*?)^```", (root / MAP).read_text(encoding="utf-8"), re.M | re.S)
    return [line.split()[0] for line in block[1].splitlines()] if block else []


def room_of(path, rooms):
    """The innermost room of a file, or None."""
    inside = [r for r in rooms if path.startswith(r + "/")]
    return max(inside, key=len, default=None)


def sources(root, folder):
    return sorted(p for p in (root / folder).rglob("*") if p.suffix in SOURCES)


def faults(root):
    rooms = rooms_of(root)
    if not rooms:
        return [f"{MAP} has no map of rooms"]
    found = []
    for room in rooms:
        if not (root / room).is_dir():
            found.append(f"{MAP}: the room {room} is not there")
    for folder in FOLDERS:
        for path in sources(root, folder):
            name = path.relative_to(root).as_posix()
            room = room_of(name, rooms)
            if room is None:
                found.append(f"{name} lies in no room of {MAP}")
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                include = re.match(r'\s*#\s*include\s*"((?:%s)/[^"]+)"' % folder, line)
                if not include:
                    continue
                to = room_of(include[1], rooms)
                if to is None or rooms.index(to) > rooms.index(room):
                    found.append(f"{name}:{number}: {room} includes {include[1]}, of a room below it")
    known = {r.split("/", 1)[1] for r in rooms}
    for folder in [*(f"tests/{f}" for f in FOLDERS), "bench"]:
        here = {f"{folder.split('/')[-1]}/"} if folder != "bench" else {f"{f}/" for f in FOLDERS}
        for path in sources(root, folder):
            inner = path.parent.relative_to(root / folder).as_posix()
            if inner == "." or folder == "bench" and inner in known:
                continue
            if not any(start + inner in rooms for start in here):
                found.append(f"{path.relative_to(root).as_posix()}: {inner} is no room of {folder}")
    return found


def plant(files):
    """Faults found in a tree of three rooms and these files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for room in ("kernels/base", "kernels/ops", "engine/base"):
            (root / room).mkdir(parents=True)
        (root / ".github").mkdir()
        (root / MAP).write_text("```rooms\nkernels/base  a\nkernels/ops  b\nengine/base  c\n```\n", encoding="utf-8")
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return faults(root)


def check_self():
    wrong = []
    planted = {
        "kernels/base/a.h": '#include "kernels/ops/b.h"\n',
        "kernels/ops/c.h": '#  include "kernels/elsewhere/b.h"\n',
        "kernels/d.h": "\n",
        "tests/kernels/attic/e_test.cpp": "\n",
        "bench/attic/f_bench.cpp": "\n",
    }
    for name, text in planted.items():
        if len(plant({name: text})) != 1:
            wrong.append(f"not found once: {name}: {text.strip()}")
    clean = {"kernels/ops/a.h": '#include "kernels/base/b.h"\n#include "kernels/ops/c.h"\n', "bench/ops/a_bench.cpp": "\n",
             "engine/base/a.h": '#include "kernels/ops/b.h"\n', "tests/kernels/ops/a_test.cpp": "\n"}
    if plant(clean):
        wrong.append(f"a clean tree was refused: {plant(clean)}")
    return wrong


def main(argument):
    found = check_self() if argument == "--self" else faults(Path(argument))
    print("\n".join(found) if found else "every include points to its own room or one above")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
