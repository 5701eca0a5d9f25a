"""tests/structure/fuzz_targets.py - every function that reads text or bytes from outside is tried by a fuzz target.

  fuzz_targets.py ROOT      checks the headers of engine and host against tests/fuzz
  fuzz_targets.py --self    checks the check: a parser without a target must be found

A parser is a function of a header that is called parse_..., read_..., load_... or ..._from_json. Its name stands in a
target, or it is listed here with the one through which a target comes to it, or with the reason why it needs none.
"""

import re
import sys
import tempfile
from pathlib import Path

DECLARED = re.compile(r"\b((?:parse|read|load)_\w+|\w+_from_json)\((?!\))")

# Parsers that are reached through another that a target calls.
THROUGH = {
    "read_npy": "parse_npy",
    "read_safetensors": "parse_safetensors",
    "parse_safetensors_header": "parse_safetensors",
    "read_gradient_file": "parse_safetensors",
    "parse_json": "preprocess_from_json",
    "read_setup": "replay_record",
    "read_model": "ModelRunner",
    "read_model_setup": "ModelRunner",
    "read_checkpoint": "restore",
    "load_config_as_given": "load_config",
    "read_run_config": "load_config",
    "read_cohort": "prepare_data",
    "read_targets": "prepare_data",
    "read_split_table": "prepare_data",
    "read_table": "read_split_csv",
    "parse_header": "parse_table",
    "parse_chunk": "parse_table",
    "parse_record": "parse_table",
    "parse_decimal_comma": "parse_table",
    "read_new_rows": "prepare_data",
    "read_raw_data": "prepare_data",
}
# What parses nothing.
NONE = {
    "read_text": "bytes as they are",
    "read_at": "bytes as they are",
    "read_raw": "bytes as they are",
    "read_packed": "zlib's work, in tests/host/data/table",
    "read_name": "a word of a table of ours",
    "read_parameter": "of a state of ours",
    "read_balance": "of a state of ours",
    "read_stored_run": "the files of a run, each of which has its target",
    "read_study": "the files of a study, each of which has its target",
    "read_finished_study": "the files of a study, each of which has its target",
    "load_tables": "arrays of ours onto a device",
    "load_state": "arrays of ours onto a device",
    "load_states": "arrays of ours onto a device",
    "load_best": "arrays of ours onto a device",
    "load_bests": "arrays of ours onto a device",
}


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def parsers(root):
    """Names of parsers, each with the header that declares it first."""
    found = {}
    for folder in ("engine", "host"):
        for path in sorted((root / folder).rglob("*.h")):
            for match in DECLARED.finditer(without_comments(path.read_text(encoding="utf-8"))):
                found.setdefault(match[1], path.relative_to(root).as_posix())
    return found


def faults(root, through, none):
    targets = "".join(p.read_text(encoding="utf-8") for p in sorted((root / "tests/fuzz").glob("*_fuzz.cpp")))

    def named(name):
        return re.search(rf"\b{name}\b", targets) is not None

    declared = parsers(root)
    found = []
    for name, header in sorted(declared.items()):
        if named(name) or name in none:
            continue
        if name not in through:
            found.append(f"{header}: {name} has no fuzz target; write tests/fuzz/..._fuzz.cpp, or say what reaches it in "
                         "tests/structure/fuzz_targets.py")
        elif not named(through[name]):
            found.append(f"{name} is said to be reached through {through[name]}, which no fuzz target names")
    for name in sorted(set(through) | set(none)):
        if name not in declared:
            found.append(f"tests/structure/fuzz_targets.py lists {name}, which no header declares")
    return found


def check_self():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("engine", "host", "tests/fuzz"):
            (root / name).mkdir(parents=True)
        (root / "engine/a.h").write_text("Thing parse_thing(std::string_view text);  // parse_nothing(x)\n")
        (root / "host/b.h").write_text("Other read_other(int file);\nOther other_from_json(std::string_view text);\n")
        (root / "tests/fuzz/thing_fuzz.cpp").write_text("parse_thing(text); other_from_json(text);\n")
        cases = [
            ({}, {}, ["host/b.h: read_other has no fuzz target"]),
            ({"read_other": "parse_thing"}, {}, []),
            ({"read_other": "parse_lost"}, {}, ["read_other is said to be reached through parse_lost"]),
            ({}, {"read_other": "bytes"}, []),
            ({"gone": "parse_thing"}, {"read_other": "bytes"}, ["lists gone, which no header declares"]),
        ]
        for through, none, expected in cases:
            found = faults(root, through, none)
            assert len(found) == len(expected), found
            for sentence, part in zip(found, expected):
                assert part in sentence, found


def main():
    if sys.argv[1:] == ["--self"]:
        check_self()
        print("planted faults are found")
        return 0
    found = faults(Path(sys.argv[1]), THROUGH, NONE)
    for sentence in found:
        print(sentence)
    print("every parser has its fuzz target" if not found else f"{len(found)} faults")
    return 1 if found else 0


sys.exit(main())
