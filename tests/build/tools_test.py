"""tests/build/tools_test.py - every script of tools/ answers --help, and builds tell how far they are.

  tools_test.py SOURCE_DIR
"""

import os
import pty
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(sys.argv[1]).resolve()
TOOLS = SOURCE / "tools"
# A build of four steps, the third of which warns; the last line has no end, as that of a process that died.
BUILD = r"printf '[1/4] one\n[2/4] two\n[3/4] three\nthree.cpp: warning: odd\n'; printf '[4/4] four'; "


def scripts():
    return sorted(p for p in TOOLS.iterdir() if p.is_file() and os.access(p, os.X_OK))


def progress(log, build):
    """A command that shows the progress of `build`."""
    return ["bash", "-eu", "-c", f'. "{TOOLS}/build-progress.sh"; show_progress "{log}" bash -c "$1"', "-", build]


class Help(unittest.TestCase):
    def test_is_told_by_every_script_before_it_does_anything(self):
        self.assertGreater(len(scripts()), 8)
        with tempfile.TemporaryDirectory() as elsewhere:
            for script in scripts():
                for option in ("--help", "-h"):
                    done = subprocess.run([str(script), option], cwd=elsewhere, stdin=subprocess.DEVNULL, timeout=60,
                                          capture_output=True, text=True)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), script)
                    self.assertIn(script.name, done.stdout)
                    self.assertNotRegex(done.stdout, r"#!|\[\d+/\d+\]|Building", script)
            self.assertEqual(os.listdir(elsewhere), [])

    def test_is_pointed_to_by_scripts_that_do_not_know_an_argument(self):
        for name in ("demo", "check"):
            done = subprocess.run([str(TOOLS / name), "--quik"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stdout, "")
            self.assertIn(f"'--quik'; see tools/{name} --help", done.stderr)


class Progress(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = Path(folder.name, "log")

    def test_counts_steps_in_lines_where_there_is_no_terminal(self):
        done = subprocess.run(progress(self.log, BUILD), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.splitlines(), [f"  built {n} of 4" for n in (1, 2, 3, 4)])
        self.assertEqual(self.log.read_text(), "[1/4] one\n[2/4] two\n[3/4] three\nthree.cpp: warning: odd\n[4/4] four\n")

    def test_prints_ten_lines_of_a_long_build(self):
        steps = "for ((i = 1; i <= 345; ++i)); do echo \"[$i/345] x\"; done"
        done = subprocess.run(progress(self.log, steps), capture_output=True, text=True)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 10)
        self.assertEqual((lines[0], lines[-1]), ("  built 35 of 345", "  built 345 of 345"))

    def test_ends_as_the_build_does(self):
        done = subprocess.run(progress(self.log, BUILD + "exit 3"), capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)

    def test_draws_one_line_again_on_a_terminal(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        done = subprocess.run(progress(self.log, BUILD), stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL)
        os.close(theirs)
        shown = os.read(ours, 10000).decode()
        self.assertEqual(done.returncode, 0)
        self.assertEqual(shown, "".join(f"\r\033[K  built {n} of 4" for n in (1, 2, 3, 4)) + "\r\033[K")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
