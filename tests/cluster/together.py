"""Tests of one class at the same time: most of their time goes into waiting for controllers and other programs.

    def load_tests(_loader, tests, _pattern):
        return together.suite(tests)
"""

import concurrent.futures
import os
import threading
import unittest

AT_ONCE = max(4, 2 * (os.cpu_count() or 1))


class Recorder(unittest.TestResult):
    """What one test said of itself, to be told again when it has ended."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("add") and name != "addDuration":
            return lambda *arguments: object.__getattribute__(self, "calls").append((name, arguments))
        return super().__getattribute__(name)


class Class(unittest.TestSuite):
    """All tests of one class, its fixtures before and after them."""

    def run(self, result, debug=False):
        tests = list(self)
        kind, telling = type(tests[0]), threading.Lock()

        def one(test):
            recorder = Recorder()
            if not result.shouldStop:
                test.run(recorder)
            with telling:
                result.startTest(test)
                for name, arguments in recorder.calls:
                    getattr(result, name)(*arguments)
                result.stopTest(test)

        try:
            kind.setUpClass()
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
                list(threads.map(one, tests))
        finally:
            kind.tearDownClass()
            kind.doClassCleanups()
        for _, error, trace in kind.tearDown_exceptions:
            raise error.with_traceback(trace)
        return result


def all_of(tests):
    for each in tests:
        if isinstance(each, unittest.TestSuite):
            yield from all_of(each)
        else:
            yield each


def suite(tests):
    classes = {}
    for test in all_of(tests):
        classes.setdefault(type(test), []).append(test)
    return unittest.TestSuite(Class(each) for each in classes.values())
