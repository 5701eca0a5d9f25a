#!/usr/bin/env python3
"""tests/faults/sweep.py - kills and fails every system call by which a command writes, one run a call, and sees that
nothing is lost.

Each command runs under tests/faults/interposer.cpp, which spoils its call number n: it kills the process before it or
in the middle of a write, lets a write write half, or lets the call fail with ENOSPC, EIO, EACCES, EMFILE or EINTR.
Then
- of train and train --resume: what the folder holds is gone on with by --resume, or, where a run has not begun, trained
  anew, and ends with the hash and the predictions of a run that nothing happened to; files that should be whole are;
- of cross-validate: the same, with the bytes of all tables and models of a study that nothing happened to;
- of predict, generate, record and balance: the file of --out is absent or whole, and the command without a fault
  writes it;
- short writes and EINTR go unnoticed: exit code 0; all other failures end with exit code 5 or are of no consequence.

Usage: sweep.py PROGRAM INTERPOSER [--every N] [--offset K] [--only COMMAND] [--jobs J] [--strace]
  --every N    only each N-th of the faults of a command, from the K-th on: a sample
  --strace     see by strace that the interposer counts every call of these kinds
"""
import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

KILLS = ("kill", "torn")
UNNOTICED = ("short", "EINTR")
FAILURES = ("ENOSPC", "EIO", "EACCES", "EMFILE")
# What can happen to a call; a name that is missing here takes no fault but a kill.
KINDS = {
    "open": ("kill", "ENOSPC", "EACCES", "EMFILE", "EINTR"),
    "mkdir": ("kill", "ENOSPC", "EACCES"),
    "write": ("torn", "short", "ENOSPC", "EIO", "EINTR"),
    "fsync": ("kill", "EIO", "ENOSPC", "EINTR"),
    "ftruncate": ("kill", "EIO", "EINTR"),
    "rename": ("kill", "ENOSPC", "EACCES"),
}
# Sources that open, create, write, cut, rename or remove files, and the commands in which they do.
WRITERS = {
    "engine/files/atomic_file.cpp": "train resume cross-validate predict generate record balance",
    "engine/files/file_descriptor.cpp": "train resume cross-validate predict generate record balance",
    "host/run/run_folder.cpp": "train resume",
    "host/run/output_file.cpp": "predict generate record balance",  # of devices and pipes; not of this sweep
    "host/study/study_folder.cpp": "cross-validate",
    "host/study/study_journal.cpp": "cross-validate",
    "host/study/study_run.cpp": "cross-validate",
    "engine/generate/kernel_cache.cpp": "",  # of a GPU's kernels, whose loss costs a compilation; it has tests of its own
    "host/commands/study_command.cpp": "",  # removes the parts of processes that were started together
    "host/commands/standard_streams.cpp": "",  # /dev/null
}
STUDY_FILES = ("members.csv", "members.safetensors", "predictions.csv", "preprocess.jsonl", "summary.json",
               "summary.txt", "splits.csv", "config.toml")
WRITING = re.compile(r"\bofstream\b|\bfopen\b|fs::rename|fs::remove|create_director|O_CREAT|O_WRONLY|O_RDWR|"
                     r"::unlink\(|::ftruncate\(|::rename\(")


def wave(row, column):
    return math.sin(row * (1 + math.sqrt(2 + 3 * column)) + column)


def write_tables(folder):
    for v in (0, 1):
        rows = ["id," + ",".join(f"x{c}" for c in range(3 + v))]
        rows += [f"p{100 + r}," + ",".join(f"{wave(r, 2) * (1 + c) + .4 * wave(r, 3 + 4 * v + c):.5f}"
                                           for c in range(3 + v)) for r in range(40)]
        (folder / f"v{v}.csv").write_text("\n".join(rows) + "\n")
    (folder / "o.csv").write_text("id,label\n" + "".join(f"p{100 + r},{'ab'[wave(r, 2) > 0]}\n" for r in range(40)))
    (folder / "c.toml").write_text("""[data]
views = ["v0.csv", "v1.csv"]
outcome = "o.csv"
[model]
kind = "mldrl"
hidden = 4
shared = 2
specific = 1
[train]
epochs = 2
batch = 32
""")
    (folder / "g.toml").write_text("[data]\nviews = [\"v0.csv\"]\noutcome = \"o.csv\"\n[model]\nkind = \"vaegan\"\n"
                                   "latent = 2\nencoder = [4]\ndecoder = [4]\ndiscriminator = [4]\n[train]\n"
                                   "epochs = 1\nbatch = 32\n")
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    numbers = (1.0, 2.0, 3.0, -1.0, 0.5, 2.0)
    import struct
    (folder / "g.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header +
                                   struct.pack("<6f", *numbers))


class Command:
    """A command that writes below `out`, and what must be true behind it."""

    def __init__(self, home, program, name, words, result, prepare=None):
        self.home, self.program, self.name, self.words, self.result = home, program, name, words, result
        self.prepare = prepare

    def run(self, place, words=None, **settings):
        environment = {k: v for k, v in os.environ.items() if k != "EQUIPOISE_SET"} | settings
        words = [w.replace("OUT", str(place)) for w in (words or self.words)]
        return subprocess.run([self.program, *words], cwd=self.home, env=environment, capture_output=True, text=True,
                              errors="replace", timeout=120)

    def begin(self, place):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        if self.prepare:
            shutil.copytree(self.prepare, place / "r")

    def under_fault(self, place, interposer, at, kind, log=""):
        return self.run(place, LD_PRELOAD=interposer, FAULT_ROOT=str(place), FAULT_AT=str(at), FAULT_KIND=kind,
                        FAULT_LOG=str(log))

    def is_run(self):
        return self.result == "r"

    def is_study(self):
        return self.result == "s"

    def outcome(self, place):
        """What must be equal, or None where nothing is."""
        if self.is_study():
            try:
                if json.loads((place / "s/study.json").read_text())["status"] != "finished":
                    return None
                return [(place / "s" / name).read_bytes() for name in STUDY_FILES]
            except FileNotFoundError:
                return None
        if not self.is_run():
            path = place / self.result
            return path.read_bytes() if path.exists() else None
        try:
            account = json.loads((place / "r/run.json").read_text())
            lines = [json.loads(line) for line in (place / "r/metrics.jsonl").read_text().splitlines()]
            for line in lines:
                line.pop("seconds", None)
            if account["status"] != "finished":
                return None
            return (account["hash"], (place / "r/predictions.csv").read_bytes(),
                    (place / "r/model.safetensors").read_bytes(), (place / "r/config.toml").read_bytes(), lines)
        except FileNotFoundError:
            return None

    def mend(self, place):
        """Goes on as a user would; returns what went wrong."""
        if self.is_study():
            again = self.run(place, ["cross-validate", "-q", "--device", "cpu", "--resume", "--out", "OUT/s"])
            if again.returncode == 2 and "holds no study" in again.stderr:
                again = self.run(place)
            return "" if again.returncode == 0 else f"going on ends with {again.returncode}: {again.stderr}"
        if not self.is_run():
            again = self.run(place, self.words + (["--force"] if (place / self.result).exists() else []))
            return "" if again.returncode == 0 else f"the command anew ends with {again.returncode}: {again.stderr}"
        resume = ["train", "-q", "--device", "cpu", "--resume", "--out", "OUT/r", "--set", "train.epochs=2"]
        again = self.run(place, resume)
        if again.returncode == 2 and "holds no run" in again.stderr and not self.prepare:
            again = self.run(place)
        return "" if again.returncode == 0 else f"going on ends with {again.returncode}: {again.stderr}"

    def check(self, place, interposer, expected, at, call, kind):
        """One fault; returns a sentence where something is wrong."""
        self.begin(place)
        end = self.under_fault(place, interposer, at, kind)
        where = f"{self.name}: call {at} ({call}), {kind}"
        if kind in KILLS and end.returncode != -9:
            return f"{where}: not killed, exit code {end.returncode}"
        if kind in UNNOTICED and end.returncode != 0:
            return f"{where}: exit code {end.returncode}: {end.stderr}"
        if kind in FAILURES and end.returncode not in (0, 5):
            return f"{where}: exit code {end.returncode}: {end.stderr}"
        if "internal error" in end.stderr:
            return f"{where}: {end.stderr}"
        if end.returncode == 0:
            return "" if self.outcome(place) == expected else f"{where}: ends well, but wrote something else"
        if not self.is_run() and not self.is_study() and self.outcome(place) not in (None, expected):
            return f"{where}: left half a file"
        wrong = self.mend(place)
        if wrong:
            return f"{where}: {wrong}"
        left = list(place.rglob(".*.tmp"))  # a folder's owner clears it; beside a single file nobody knows whose it is
        if left and (self.is_run() or self.is_study()):
            return f"{where}: left {left[0].name} for good"
        return "" if self.outcome(place) == expected else f"{where}: mended, but not to the same result"


def faults_of(calls):
    return [(n, call, kind) for n, call in enumerate(calls, 1) for kind in KINDS.get(call, ("kill",))]


def count_by_strace(command, place):
    """Calls of the kinds that are counted, as the system sees them."""
    command.begin(place)
    trace = place.parent / "trace"
    words = [w.replace("OUT", str(place)) for w in command.words]
    calls = "open,openat,creat,write,pwrite64,writev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink," \
            "unlinkat,mkdir,mkdirat,link,symlink,truncate"
    subprocess.run(["strace", "-f", "-y", "-e", f"trace={calls}", "-o", str(trace), command.program, *words],
                   cwd=command.home, capture_output=True, check=True)
    count = 0
    for line in trace.read_text(errors="replace").splitlines():
        if str(place) not in line or "resumed>" in line:
            continue
        call = re.search(r"(\w+)\(", line).group(1)
        if call.startswith("open"):
            if not re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", line):
                continue
        elif call in ("write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate"):
            if f"<{place}" not in line.split(",")[0]:
                continue
        count += 1
    return count


def expect_known_writers(root):
    wrong = []
    for room in ("engine", "host", "kernels"):
        for path in sorted((root / room).rglob("*.cpp")):
            name = path.relative_to(root).as_posix()
            if WRITING.search(path.read_text()) and name not in WRITERS:
                wrong.append(f"{name} writes files and is not in the list of {pathlib.Path(__file__).name}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("interposer")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--strace", action="store_true")
    options = parser.parse_args()
    program, interposer = os.path.abspath(options.program), os.path.abspath(options.interposer)
    wrong = expect_known_writers(pathlib.Path(__file__).resolve().parents[2])
    with tempfile.TemporaryDirectory(prefix="equipoise-faults-") as folder:
        home = pathlib.Path(folder).resolve()
        write_tables(home)
        train = ["train", "-q", "--device", "cpu", "--out", "OUT/r"]

        def well(place, *words):
            place.mkdir(exist_ok=True)
            ended = Command(home, program, "", list(words), "r").run(place)
            assert ended.returncode == 0, ended.stderr

        well(home / "begun", *train, "c.toml", "--set", "train.epochs=1")
        well(home / "runs", *train, "c.toml")
        well(home / "maker", *train, "g.toml")
        run, maker = str(home / "runs/r"), str(home / "maker/r")
        commands = [
            Command(home, program, "train", [*train, "c.toml"], "r"),
            Command(home, program, "resume", [*train, "--resume", "--set", "train.epochs=2"], "r", home / "begun/r"),
            Command(home, program, "cross-validate",
                    ["cross-validate", "-q", "--device", "cpu", "--out", "OUT/s", "c.toml", "--folds", "2", "--grid",
                     "optimizer.lr=1e-3,1e-2"], "s"),
            Command(home, program, "predict",
                    ["predict", "-q", run, "--views", "v0.csv", "v1.csv", "--device", "cpu", "--out", "OUT/p.csv"],
                    "p.csv"),
            Command(home, program, "generate", ["generate", "-q", maker, "--rows", "9", "--device", "cpu", "--out",
                                                "OUT/g.csv"], "g.csv"),
            Command(home, program, "record", ["record", "c.toml", "--steps", "1", "--out", "OUT/record.safetensors"],
                    "record.safetensors"),
            Command(home, program, "balance", ["balance", "g.npy", "--method", "mgda", "--out", "OUT/b.safetensors"],
                    "b.safetensors"),
        ]
        done = 0
        for command in commands:
            if options.only not in (None, command.name):
                continue
            place = home / "place"
            command.begin(place)
            log = home / f"{command.name}.calls"
            whole = command.under_fault(place, interposer, 0, "none", log)
            assert whole.returncode == 0, whole.stderr
            expected = command.outcome(place)
            assert expected is not None
            calls = log.read_text().split()
            if options.strace and (seen := count_by_strace(command, place)) != len(calls):
                wrong.append(f"{command.name}: strace sees {seen} calls, the interposer {len(calls)}")
            faults = faults_of(calls)
            some = faults[options.offset % options.every::options.every]
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                def one(numbered):
                    number, fault = numbered
                    own = home / f"fault{number}"
                    said = command.check(own, interposer, expected, *fault)
                    shutil.rmtree(own, ignore_errors=True)
                    return said
                wrong += [said for said in pool.map(one, enumerate(some)) if said]
            done += len(some)
            print(f"{command.name}: {len(calls)} calls, {len(some)} of {len(faults)} faults", flush=True)
    for sentence in wrong:
        print(sentence)
    print(f"{done} faults, {len(wrong)} wrong")
    return 1 if wrong or not done else 0


if __name__ == "__main__":
    sys.exit(main())
