"""What a start of the program costs and loads: nothing of servers, wire formats or databases, and of
the databases only the driver that a command needs."""

import os
import re
import subprocess
import tempfile
import unittest

PROGRAM = os.environ.get("KP_PROGRAM")
SERVING = re.compile(r"grpc|protobuf|asio|absl|libssl|libcurl")
DATABASES = re.compile(r"sqlite|libpq|soci|kneepoint-store")


def cpu_milliseconds(*words):
    """User and system time of one whole run."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        child = os.posix_spawn(PROGRAM, [PROGRAM, *words], os.environ,
                               file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
        _, status, used = os.wait4(child, 0)
    finally:
        os.close(null)
    assert os.waitstatus_to_exitcode(status) == 0, words
    return (used.ru_utime + used.ru_stime) * 1e3


def loaded(*words):
    """Every file that the dynamic linker opens while the command runs, dlopen's too."""
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, HOME=home, LC_ALL="C", LD_DEBUG="files",
                           LD_DEBUG_OUTPUT=os.path.join(home, "linker"))
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "KNEEPOINT_STORE"):
            environment.pop(name, None)
        subprocess.run([PROGRAM, *words], env=environment, check=True, capture_output=True)
        said = ""
        for name in os.listdir(home):
            if name.startswith("linker."):
                with open(os.path.join(home, name), encoding="utf-8", errors="replace") as file:
                    said += file.read()
    return sorted(set(re.findall(r"file=(\S+) \[\d+\];\s+generating link map", said)))


@unittest.skipUnless(PROGRAM, "KP_PROGRAM names the built program")
class Startup(unittest.TestCase):
    @unittest.skipIf(os.environ.get("KP_SANITIZE"), "a sanitizer's own start costs more")
    def test_version_takes_little_cpu(self):
        # The least of many: what a busy machine adds is not ours.
        self.assertLessEqual(min(cpu_milliseconds("--version") for _ in range(20)), 8)

    def test_version_loads_no_database_and_no_server(self):
        files = loaded("--version")
        self.assertTrue([name for name in files if "libstdc++" in name], files)
        self.assertEqual([name for name in files if SERVING.search(name) or DATABASES.search(name)],
                         [])

    def test_a_list_loads_sqlite_alone(self):
        databases = [os.path.basename(name) for name in loaded("models", "list")
                     if DATABASES.search(name)]
        self.assertEqual([re.sub(r"\.so.*", "", name) for name in databases],
                         ["kneepoint-store-sqlite", "libsqlite3"])

    def test_a_list_loads_no_server(self):
        self.assertEqual([name for name in loaded("models", "list") if SERVING.search(name)], [])


if __name__ == "__main__":
    unittest.main()
