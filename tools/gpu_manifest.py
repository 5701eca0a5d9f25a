"""tools/gpu_manifest.py - the form of a GPU check's manifest: what it must hold, and what contradicts itself.

bench/results/README.md describes the form in words; tests/build/manifest_test.py holds every manifest to it.
"""

import datetime
import math
import re

FORMAT = "equipoise gpu-check"
SANITIZERS = {"memcheck": "out_of_bounds", "racecheck": "race", "synccheck": "divergence", "initcheck": "uninitialised"}
LANES = ["device", "tests", "hashes", *SANITIZERS, "benchmarks", "phases", "peers"]
OUTCOMES = ["pass", "fail", "skipped", "unavailable"]


def is_hex(value, digits):
    return isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{digits}}}", value) is not None


def is_time(value):
    try:
        return datetime.datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def outcome_problems(where, entry):
    """An outcome and, unless it is a pass, the reason for it."""
    if not isinstance(entry, dict):
        return [f"{where} is not an object"]
    if entry.get("outcome") not in OUTCOMES:
        return [f"{where}: outcome {entry.get('outcome')!r} is not one of {', '.join(OUTCOMES)}"]
    if entry["outcome"] != "pass" and not (isinstance(entry.get("reason"), str) and entry["reason"].strip()):
        return [f"{where}: {entry['outcome']} without a reason"]
    return []


def figure_problems(where, figure):
    if not isinstance(figure, dict):
        return [f"{where} is not an object"]
    problems = [f"{where}: no {key}" for key in ("name", "unit") if not (isinstance(figure.get(key), str) and figure[key])]
    quartiles = figure.get("quartiles")
    if not (isinstance(quartiles, list) and len(quartiles) == 2 and all(map(is_number, quartiles))):
        return problems + [f"{where}: no quartiles"]
    if not (is_number(figure.get("median")) and 0 < quartiles[0] <= figure["median"] <= quartiles[1]):
        problems.append(f"{where}: the median is not between the quartiles, or not positive")
    return problems


def step_problems(where, step):
    """A step's phases, each with its modelled and its measured clocks, and its time by the host's watch."""
    if not isinstance(step, dict):
        return [f"{where} is not an object"]
    phases = step.get("phases")
    if not (isinstance(phases, list) and phases and all(isinstance(p, dict) for p in phases)):
        return [f"{where}: no phases"]
    problems = [f"{where}, phase {i + 1}: no {key} clocks"
                for i, p in enumerate(phases) for key in ("modelled", "measured")
                if not (is_number(p.get(key)) and p[key] > 0)]
    time = {"name": step.get("name"), "unit": "us", "median": step.get("us"), "quartiles": step.get("quartiles_us")}
    return problems + figure_problems(where, time)


def list_of(lane, key):
    value = lane.get(key, [])
    return value if isinstance(value, list) else [None]


def lane_problems(lane):
    where = f"lane {lane['name']}"
    problems = outcome_problems(where, lane)
    if not (is_number(lane.get("seconds")) and lane["seconds"] >= 0):
        problems.append(f"{where}: no seconds")
    tests, figures, hashes = list_of(lane, "tests"), list_of(lane, "figures"), list_of(lane, "hashes")
    for i, test in enumerate(tests):
        problems += outcome_problems(f"{where}, test {i}", test)
        if not (isinstance(test, dict) and isinstance(test.get("name"), str) and test["name"]):
            problems.append(f"{where}, test {i}: no name")
    for i, figure in enumerate(figures):
        problems += figure_problems(f"{where}, figure {i}", figure)
    steps = list_of(lane, "steps")
    for i, step in enumerate(steps):
        problems += step_problems(f"{where}, step {i}", step)
    for i, pair in enumerate(hashes):
        if not (isinstance(pair, dict) and pair.get("name") and is_hex(pair.get("cpu"), 64) and is_hex(pair.get("device"), 64)):
            problems.append(f"{where}, hash {i}: no name and two SHA-256")
    if lane.get("outcome") != "pass" or problems:
        return problems
    # What a pass must rest on.
    if any(test["outcome"] == "fail" for test in tests):
        problems.append(f"{where}: passes with a failed test")
    if lane["name"] == "tests" and not any(test["outcome"] == "pass" for test in tests):
        problems.append(f"{where}: passes without a passed test")
    if lane["name"] == "hashes" and (not hashes or any(pair["cpu"] != pair["device"] for pair in hashes)):
        problems.append(f"{where}: passes without hashes, or with unequal ones")
    planted = {**SANITIZERS, "hashes": "wrong_result"}.get(lane["name"])
    if planted and lane.get("caught") != [planted]:
        problems.append(f"{where}: passes without having caught the planted fault {planted}")
    if lane["name"] in ("benchmarks", "peers") and not figures:
        problems.append(f"{where}: passes without a figure")
    if lane["name"] == "phases" and not steps:
        problems.append(f"{where}: passes without a step")
    return problems


def manifest_problems(manifest):
    """Everything that is wrong with a manifest, in words; empty if nothing is."""
    if not isinstance(manifest, dict):
        return ["the manifest is not an object"]
    problems = []
    if manifest.get("format") != FORMAT:
        problems.append(f"format is not {FORMAT!r}")
    if not is_hex(manifest.get("commit"), 40):
        problems.append("commit is not 40 hexadecimal digits")
    if not isinstance(manifest.get("uncommitted_changes"), bool):
        problems.append("uncommitted_changes is neither true nor false")
    if not is_hex(manifest.get("sources_sha256"), 64):
        problems.append("sources_sha256 is not 64 hexadecimal digits")
    if not is_time(manifest.get("started")) or not is_time(manifest.get("written")):
        problems.append("started and written are not times with a zone")
    elif datetime.datetime.fromisoformat(manifest["started"]) > datetime.datetime.fromisoformat(manifest["written"]):
        problems.append("written before it was started")
    device = manifest.get("device", "absent")
    if device is not None and not (
        isinstance(device, dict) and all(isinstance(device.get(k), str) and device[k] for k in ("name", "compute", "driver"))
    ):
        problems.append("device is neither null nor an object with name, compute and driver")
    lanes = manifest.get("lanes")
    if not isinstance(lanes, list) or not all(isinstance(lane, dict) for lane in lanes):
        return problems + ["lanes is not a list of objects"]
    if [lane.get("name") for lane in lanes] != LANES:
        return problems + [f"lanes are not {', '.join(LANES)}"]
    for lane in lanes:
        problems += lane_problems(lane)
        if device is None and lane.get("outcome") != "unavailable":
            problems.append(f"lane {lane['name']}: {lane.get('outcome')} without a device")
    return problems
