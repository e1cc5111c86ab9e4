#!/usr/bin/env python3
"""usage: run.py [WORD]

Runs the browser tests (those whose name contains WORD) against $SLUICE_BINARY with the browser $SLUICE_CHROMIUM, the
groups side by side in two processes. The last line is `N passed, N failed`.
"""

import importlib
import multiprocessing
import os
import sys
import time
import traceback
import unittest
from pathlib import Path

FOLDER = Path(__file__).parent
PROCESSES = 2


def groups(word):
    """Modules and classes, those that take longest first."""
    found = []
    for path in sorted(FOLDER.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, group in sorted(vars(module).items()):
            if isinstance(group, type) and issubclass(group, unittest.TestCase) and group.__module__ == path.stem:
                tests = [test for test in unittest.defaultTestLoader.getTestCaseNames(group)
                         if word.lower() in f"{name} {test}".lower()]
                # A group may be cut where its tests need nothing of each other but a server of their own.
                parts = getattr(group, "parts", 1)
                found += [(getattr(group, "weight", 1) / parts, path.stem, name, tests[part::parts])
                          for part in range(parts) if tests[part::parts]]
    return [group[1:] for group in sorted(found, reverse=True)]


def said(kind, error, trace):
    """Where a test of ours stopped and why, without the frames and the page of the libraries below."""
    ours = [frame for frame in traceback.extract_tb(trace) if Path(frame.filename).parent == FOLDER]
    lines = "".join(traceback.format_list(ours))
    return f"{lines}{kind.__name__}: {str(error).split('Aria snapshot')[0].strip()}"


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.told = []
        self.begun = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.begun = time.monotonic()

    def tell(self, word, test, why=""):
        name = test.shortDescription() or str(test)
        self.told.append((word, f"{type(test).__name__}: {name}", why, time.monotonic() - self.begun))

    def addSuccess(self, test):
        self.tell("passed", test)

    def addSkip(self, test, reason):
        self.tell("did not run", test, reason)

    def addFailure(self, test, error):
        self.tell("failed", test, said(*error))

    addError = addFailure


def run_group(group):
    module, name, tests = group
    case = getattr(importlib.import_module(module), name)
    result = Result()
    unittest.TestSuite(case(test) for test in tests).run(result)
    return result.told


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = 0
    failed_names = set()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for told in pool.imap_unordered(run_group, groups(word)):
            for outcome, name, why, seconds in told:
                if outcome == "passed":
                    passed += 1
                elif outcome == "failed" and name not in failed_names:
                    failed_names.add(name)
                    failed += 1
                if outcome != "passed" or os.environ.get("SLUICE_BROWSER_VERBOSE"):
                    print(f"{outcome}: {name} ({seconds:.1f} s)\n{why}".rstrip(), file=sys.stderr)
        pool.close()
        pool.join()
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER))
    sys.exit(main())
