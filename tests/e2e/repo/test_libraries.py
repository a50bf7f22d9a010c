"""The command line starts fast because it loads little: no server, no database, no wire format."""

import os
import re
import subprocess
import unittest

PROGRAM = os.environ.get("KP_PROGRAM")
# Libraries of other rooms: each costs every start, the drivers are loaded when a store is opened.
UNWANTED = re.compile(r"grpc|protobuf|asio|absl|sqlite|libpq|libssl|libcrypto|libcurl|soci|prometheus")


@unittest.skipUnless(PROGRAM, "KP_PROGRAM names the built program")
class Libraries(unittest.TestCase):
    def test_the_program_itself_asks_for_none_of_them(self):
        said = subprocess.run(["readelf", "--dynamic", "--wide", PROGRAM], check=True,
                              capture_output=True, text=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", said)
        self.assertTrue(needed)
        self.assertEqual([name for name in needed if UNWANTED.search(name)], [])

    def test_nor_does_anything_it_loads(self):
        said = subprocess.run(["ldd", PROGRAM], check=True, capture_output=True, text=True).stdout
        self.assertNotIn("not found", said)
        self.assertEqual([line for line in said.splitlines() if UNWANTED.search(line)], [])


if __name__ == "__main__":
    unittest.main()
