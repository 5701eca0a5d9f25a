"""tests/mutants/mutants_test.py - the lists of mutants hold to the sources.

  mutants_test.py ROOT TARGET=PROGRAM ...   what each mutant replaces stands once; its tests are among the programs'
  mutants_test.py --self ROOT               faults planted in lists must be found
"""
import importlib.machinery
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def tool(root):
    loader = importlib.machinery.SourceFileLoader("mutants", str(root / "tools/mutants"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def tests_of(program, chosen):
    """Names of the tests that a filter chooses."""
    text = subprocess.run([program, "--gtest_list_tests", "--gtest_filter=" + chosen], capture_output=True,
                          text=True).stdout
    names, suite = [], ""
    for line in text.splitlines():
        line = line.split("#")[0].rstrip()
        if line and not line.startswith(" "):
            suite = line
        elif line and suite:
            names.append(suite + line.strip())
    return names


def faults(root, programs, mutants):
    found = [fault for m in mutants.read_lists(root) for fault in mutants.faults_of(root, m)]
    names = [m.get("name") for m in mutants.read_lists(root)]
    found += [f"two mutants are called {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    for m in mutants.read_lists(root):
        if "tests" not in m:  # a target beside a test of ctest's is only to be built
            continue
        if m["target"] not in programs:
            found.append(f"{m['name']}: no target {m['target']} is known")
            continue
        for one in m["tests"].split(":"):
            if not tests_of(programs[m["target"]], one):
                found.append(f"{m['name']}: {m['target']} has no test {one}")
    return found


ENTRY = '[[mutant]]\nname = "wrong sum"\nfile = "a.h"\nfrom = "a + b"\nto = "a - b"\ntarget = "t"\ntests = "Sum.IsRight"\n'
PROGRAM = '#!/bin/sh\ncase "$2" in *Sum.IsRight) printf "Sum.\\n  IsRight\\n" ;; esac\n'


def check_self(root):
    planted = {"stands twice": ("return a + b; // a + b", ENTRY), "is gone": ("return b + a;", ENTRY),
               "no file": ("return a + b;", ENTRY.replace("a.h", "b.h")),
               "no test": ("return a + b;", ENTRY.replace("IsRight", "IsLeft")),
               "no target": ("return a + b;", ENTRY.replace('"t"', '"u"')),
               "replaces nothing": ("return a + b;", ENTRY.replace("a - b", "a + b")),
               "unknown key": ("return a + b;", ENTRY + 'why = "x"\n'),
               "both ways": ("return a + b;", ENTRY + 'ctest = "x"\n'),
               "same name": ("return a + b;", ENTRY + ENTRY)}
    wrong = []
    for name, (source, entries) in {"clean": ("return a + b;", ENTRY), **planted}.items():
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder)
            (tree / "tests/mutants").mkdir(parents=True)
            (tree / "a.h").write_text(source)
            (tree / "tests/mutants/one.toml").write_text(entries)
            (tree / "t").write_text(PROGRAM)
            (tree / "t").chmod(0o755)
            found = faults(tree, {"t": str(tree / "t")}, tool(root))
            if (len(found) == 0) != (name == "clean"):
                wrong.append(f"{name}: {found}")
    return wrong


def main(arguments):
    if arguments[0] == "--self":
        found, good = check_self(Path(arguments[1])), "every planted fault was found"
    else:
        root = Path(arguments[0])
        programs = dict(re.fullmatch(r"(.*?)=(.*)", word).groups() for word in arguments[1:])
        found = faults(root, programs, tool(root))
        good = "every mutant has its place and its tests"
    print("\n".join(found) if found else good)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
