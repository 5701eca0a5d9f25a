"""tests/readme/readme_test.py - the pages are true: commands print what is shown, links lead somewhere, paths exist.

  readme_test.py ROOT PROGRAM   runs what README.md and host/README.md show, and checks all pages
  readme_test.py --self         checks the check: faults planted in a small tree must be found

In a ```console block a line that begins with "$ " is a command; what follows is what it prints on standard output and
standard error together. There a line "..." stands for any lines, "..." within a line for any characters; all else must
be as shown, and the exit code 0. Commands run in order, in one folder that holds links to tools and tests, with
`equipoise` on PATH. Any other block of these two pages must be named in NOT_RUN.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FRONT = "README.md"
SHOWN = (FRONT, "host/README.md")  # pages whose commands are run, in this order
MOST_LINES, MOST_COLUMNS = 250, 120
NOT_RUN = {  # lines of blocks that are shown only, and why
    "tools/demo": "it installs and builds; what it runs then is shown in a block of its own",
    "tools/check": "this test is part of it",
}
FOLDERS = ("kernels", "engine", "host", "tests", "tools", "bench")
LATER = "tests/examples"  # what pages say of this folder is checked once it is there


def blocks(text):
    """Fenced blocks as (line number, language, lines), and the text with those lines blank."""
    found, rest, block = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = line.startswith("```")
        if fence and block is None:
            block = (number, line[3:].strip(), [])
        elif fence:
            found.append(block)
            block = None
        elif block is not None:
            block[2].append(line)
        rest.append(line if block is None and not fence else "")
    return found + ([(block[0], "a block that does not end", [])] if block else []), "\n".join(rest)


def commands(block):
    """(line number, command, expected lines) of a console block."""
    begin, _, lines = block
    found = []
    for number, line in enumerate(lines, begin + 1):
        if line.startswith("$ "):
            found.append((number, line[2:], []))
        elif found:
            found[-1][2].append(line)
        else:
            found.append((number, "false  # a block begins with a command", [line]))
    return found


def pattern(expected):
    """What output matches the lines shown."""
    return "".join(r"(?:[^\n]*\n)*?" if line == "..." else r"[^\n]*?".join(map(re.escape, line.split("..."))) + r"\n"
                   for line in expected)


def difference(expected, output):
    """None, or the first line shown that the output does not go on with, and what was printed."""
    if re.fullmatch(pattern(expected), output):
        return None
    good = 0
    while good < len(expected) and re.match(pattern(expected[:good + 1]), output):
        good += 1
    wanted = expected[good] if good < len(expected) else "nothing more"
    printed = output.splitlines()
    shown = printed if len(printed) <= 40 else printed[:20] + ["..."] + printed[-20:]
    return f"  not found: {wanted}\n  printed:\n" + "\n".join("    " + line for line in shown)


def run_page(page, found, folder, path):
    faults = []
    for block in found:
        for number, command, expected in commands(block) if block[1] == "console" else ():
            done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PATH": path})
            output = done.stdout.decode("utf-8", "replace")
            if output and not output.endswith("\n"):
                output += "\n"
            if done.returncode:
                faults.append(f"{page}:{number}: $ {command}\n  ended with {done.returncode}:\n{output}")
            elif (what := difference(expected, output)) is not None:
                faults.append(f"{page}:{number}: $ {command}\n{what}")
    return faults


def run_pages(root, program):
    """Faults of the commands that the pages show; a command sees what those before it left."""
    faults = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as programs:
        Path(programs, "equipoise").symlink_to(program.resolve())
        for name in ("tools", "tests"):
            Path(folder, name).symlink_to((root / name).resolve())
        for page in SHOWN:
            if (root / page).is_file():
                found, _ = blocks((root / page).read_text(encoding="utf-8"))
                faults += run_page(page, found, folder, f"{programs}:{os.environ['PATH']}")
    return faults


def unlisted(page, text):
    """Blocks that are neither run nor listed, and blocks by indentation, which look like commands and are not run."""
    found, rest = blocks(text)
    faults = []
    for number, language, lines in found:
        line = next((x for x in lines or [language] if x.split("#")[0].strip() not in NOT_RUN), None)
        if language != "console" and line is not None:
            faults.append(f"{page}:{number}: neither a console block nor listed in NOT_RUN: {line}")
    for indented in re.finditer(r"^[ \t]*\n    \S.*", rest, re.M):
        faults.append(f"{page}: a block by indentation; write ```console: {indented[0].strip()}")
    return faults


def too_large(page, text):
    lines = text.splitlines()
    faults = [f"{page} has {len(lines)} lines, more than {MOST_LINES}"] if len(lines) > MOST_LINES else []
    return faults + [f"{page}:{number}: {len(line)} columns" for number, line in enumerate(lines, 1)
                     if len(line) > MOST_COLUMNS and not line.startswith("|")]


def anchors(text):
    """Anchors of headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*?)\s*$", blocks(text)[1], re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        stem = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        found.add(stem if stem not in found else next(n for i in range(1, 99) if (n := f"{stem}-{i}") not in found))
    return found


def dead_links(root, page, text):
    faults = []
    for link in re.findall(r"\]\(\s*([^)\s]+)\s*\)", re.sub(r"`[^`]*`", "code", blocks(text)[1])):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (root / page).parent / name if name else root / page
        if not target.exists():
            faults.append(f"{page}: the link {link} leads nowhere")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            faults.append(f"{page}: the link {link} has no such heading")
    return faults


def missing_paths(root, page, text):
    """Words in backticks that look like files of the repository and are none; <placeholders> stand for many."""
    faults = []
    for code in re.findall(r"`([^`]+)`", blocks(text)[1]):
        for word in code.split():
            name = word.rstrip(".,:;/")
            if not re.match(r"(?:%s)/[\w./*-]+$" % "|".join(FOLDERS), name):
                continue
            if not any(root.glob(name)) and (not name.startswith(LATER) or (root / LATER).is_dir()):
                faults.append(f"{page}: there is no {word}")
    return faults


def faults_of_pages(root):
    pages = [page for page in (*SHOWN, ".github/CONTRIBUTING.md") if (root / page).is_file()]
    pages += sorted(p.relative_to(root).as_posix() for p in (root / "bench/results").glob("*.md"))
    faults = []
    for page in pages:
        text = (root / page).read_text(encoding="utf-8")
        faults += dead_links(root, page, text) + missing_paths(root, page, text)
        faults += unlisted(page, text) if page in SHOWN else []
        faults += too_large(page, text) if page == FRONT else []
    return faults


CLEAN = """# A page

See [the other page](host/README.md#b-c-and-d) and `tools/a.sh`, `tests/<stem>_test.cpp`, `tools/*.sh`.

```
tools/demo     # installs
```

```console
$ equipoise count
device: ...
one 1.25
...
four 4
$ equipoise count > kept 2>&1 && tail -n 1 kept
four 4
```
"""
PROGRAM = "#!/bin/sh\n[ \"$1\" = count ] || exit 2\necho device: here >&2\nprintf 'one 1.25\\ntwo 2\\nthree 3\\nfour 4\\n'\n"


def plant(front):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {FRONT: front, "host/README.md": "# Host\n\n## B, `c` and d\n", "tools/a.sh": PROGRAM,
                           "tests/a": ""}.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        (root / "tools/a.sh").chmod(0o755)
        return faults_of_pages(root) + run_pages(root, root / "tools/a.sh")


def check_self():
    planted = {
        "a changed digit": CLEAN.replace("one 1.25", "one 1.26"),
        "a line that is not printed": CLEAN.replace("four 4\n$", "four 4\nfive 5\n$"),
        "a line that is not shown": CLEAN.replace("device: ...\n", ""),
        "a command that fails": CLEAN.replace("tail -n 1 kept\n", "tail -n 1 kept && exit 3\n"),
        "a failure in a pipe": CLEAN.replace("equipoise count > kept 2>&1 && tail -n 1 kept", "false | echo four 4"),
        "an unlisted block": CLEAN + "```\ncargo install\n```\n",
        "another language": CLEAN + "```toml\nepochs = 3\n```\n",
        "a block by indentation": CLEAN + "\n    equipoise miscount\n",
        "a block that does not end": CLEAN + "```console\n$ true\n",
        "output without a command": CLEAN + "```console\ntwo 2\n```\n",
        "a dead link": CLEAN + "[gone](host/GONE.md)\n",
        "a dead anchor": CLEAN + "[gone](host/README.md#gone)\n",
        "a missing file": CLEAN + "`bench/gone.cpp`\n",
        "251 lines": CLEAN + "\n" * (MOST_LINES + 1 - len(CLEAN.splitlines())),
        "a long line": CLEAN + "x" * (MOST_COLUMNS + 1) + "\n",
    }
    wrong = [f"a clean page was refused: {fault}" for fault in plant(CLEAN)]
    for name, front in planted.items():
        if front == CLEAN or len(found := plant(front)) != 1:
            wrong.append(f"not found once: {name}: {found}")
    return wrong


def main(arguments):
    if arguments == ["--self"]:
        found, good = check_self(), "every planted fault was found"
    else:
        root, program = map(Path, arguments)
        found, good = faults_of_pages(root) + run_pages(root, program), "pages print, link and name what is there"
    print("\n".join(found) if found else good)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
