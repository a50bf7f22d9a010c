"""tools/readme: blocks and files of documents are what their commands print."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import tempfile
import unittest

REPO = pathlib.Path(__file__).resolve().parents[3]


def load():
    loader = importlib.machinery.SourceFileLoader("readme", str(REPO / "tools" / "readme"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("readme", loader))
    loader.exec_module(module)
    return module


readme = load()


class Readme(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        (self.root / "build" / "release").mkdir(parents=True)
        (self.root / "docs").mkdir()

    def write(self, text, name="README.md"):
        (self.root / name).write_text(text)

    def read(self, name="README.md"):
        return (self.root / name).read_text()

    def run_tool(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = readme.main(["--root", str(self.root), *arguments])
        return status, out.getvalue() + err.getvalue()

    def test_a_block_becomes_the_output_and_then_checks(self):
        self.write("a\n<!-- run: printf 'x\\ny\\n' -->\n```text\nold\n```\nb\n")
        status, said = self.run_tool("--check")
        self.assertEqual(status, 1)
        self.assertIn("-old", said)
        self.assertIn("+y", said)
        self.assertIn("old", self.read())
        self.assertEqual(self.run_tool()[0], 0)
        self.assertEqual(self.read(), "a\n<!-- run: printf 'x\\ny\\n' -->\n```text\nx\ny\n```\nb\n")
        self.assertEqual(self.run_tool("--check")[0], 0)

    def test_a_console_block_shows_its_command(self):
        self.write("<!-- run: echo hi -->\n```console\n```\n")
        self.run_tool()
        self.assertIn("```console\n$ echo hi\nhi\n```\n", self.read())

    def test_documents_below_docs_are_kept_too(self):
        self.write("<!-- run: echo hi -->\n```\n```\n", "docs/a.md")
        self.run_tool()
        self.assertIn("hi", self.read("docs/a.md"))

    def test_a_generated_file_is_written_and_checked(self):
        self.write("<!-- file: docs/img/a.svg from: echo '<svg/>' -->\n![a](docs/img/a.svg)\n")
        self.assertEqual(self.run_tool("--check")[0], 1)
        self.run_tool()
        self.assertEqual(self.read("docs/img/a.svg"), "<svg/>\n")
        self.assertEqual(self.run_tool("--check")[0], 0)
        self.write("changed", "docs/img/a.svg")
        self.assertEqual(self.run_tool("--check")[0], 1)

    def test_no_file_outside_the_repository_is_written(self):
        self.write("<!-- file: ../a.svg from: echo hi -->\n")
        self.assertEqual(self.run_tool()[0], 2)
        self.assertFalse((self.root.parent / "a.svg").exists())

    def test_the_environment_is_the_same_everywhere(self):
        self.write('<!-- run: echo "$COLUMNS $SOURCE_DATE_EPOCH $LC_ALL ${USER:-none}" -->\n```\n```\n')
        self.run_tool()
        self.assertIn(f"100 {readme.DAY} C.UTF-8 none", self.read())

    def test_the_built_program_is_found_first(self):
        program = self.root / "build" / "release" / "kneepoint"
        program.write_text("#!/bin/sh\necho built\n")
        program.chmod(0o755)
        self.write("<!-- run: kneepoint -->\n```\n```\n")
        self.run_tool()
        self.assertIn("built", self.read())

    def test_commands_of_one_document_share_a_home_and_documents_do_not(self):
        look = "<!-- run: touch ~/a$RANDOM; ls ~ | wc -l -->\n```\n```\n"
        self.write(look + look)
        self.write(look, "docs/a.md")
        self.run_tool()
        self.assertIn("\n2\n", self.read())
        self.assertIn("\n1\n", self.read("docs/a.md"))

    def test_a_failing_command_is_an_error_that_names_the_place(self):
        self.write("\n<!-- run: echo why >&2; exit 3 -->\n```\nkept\n```\n")
        status, said = self.run_tool()
        self.assertEqual(status, 2)
        self.assertIn("README.md:2: exit status 3", said)
        self.assertIn("why", said)
        self.assertIn("kept", self.read())

    def test_a_directive_without_its_block_is_an_error(self):
        for text in ("<!-- run: echo -->\n", "<!-- run: echo -->\ntext\n",
                     "<!-- run: echo -->\n```\nopen\n"):
            self.write(text)
            status, said = self.run_tool()
            self.assertEqual(status, 2)
            self.assertIn("README.md:1", said)

    def test_a_directive_shown_inside_a_block_is_text(self):
        text = "````\n<!-- run: echo hi -->\n```\nold\n```\n````\n"
        self.write(text)
        self.assertEqual(self.run_tool("--check")[0], 0)
        self.assertEqual(self.read(), text)

    def test_output_that_would_close_its_block_is_refused(self):
        self.write("<!-- run: echo '```' -->\n```\n```\n")
        self.assertEqual(self.run_tool()[0], 2)


if __name__ == "__main__":
    unittest.main()
