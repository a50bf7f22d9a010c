"""An installed tree is whole, and works after it was moved, from anywhere, with an empty home."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("KP_BINARY_DIR")


@unittest.skipUnless(BUILD, "KP_BINARY_DIR names the build folder")
class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        top = pathlib.Path(cls.folder.name)
        first = top / "first place"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", str(first)], check=True,
                       capture_output=True)
        cls.tree = top / "moved here"
        shutil.move(first, cls.tree)
        cls.home = top / "home"
        cls.home.mkdir()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_program(self, *arguments):
        return subprocess.run([self.tree / "bin" / "kneepoint", *arguments], cwd=self.home,
                              env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              check=False)

    def test_the_tree_holds_program_drivers_catalog_manual_completions_and_licence(self):
        for pattern in ("bin/kneepoint", "lib/kneepoint/*.so", "share/kneepoint/kneepoint.catalog",
                        "share/man/man1/kneepoint*.1*",
                        "share/bash-completion/completions/kneepoint",
                        "share/fish/vendor_completions.d/kneepoint.fish",
                        "share/doc/kneepoint/*"):
            self.assertTrue(list(self.tree.glob(pattern)), pattern)

    def test_nothing_in_it_is_meant_for_the_build(self):
        left = [path.name for path in self.tree.rglob("*")
                if path.suffix in (".a", ".cmake", ".h") or path.name.endswith("_test")]
        self.assertEqual(left, [])

    def test_it_lists_models(self):
        done = self.run_program("models", "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("openai/gpt-oss-120b", done.stdout)

    def test_the_catalog_it_reads_is_its_own(self):
        catalog = self.tree / "share" / "kneepoint" / "kneepoint.catalog"
        aside = catalog.with_suffix(".aside")
        catalog.rename(aside)
        try:
            done = self.run_program("models", "list")
        finally:
            aside.rename(catalog)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("catalog", done.stderr)


if __name__ == "__main__":
    unittest.main()
