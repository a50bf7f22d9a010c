"""`bench report` and `bench compare` as a user calls them; the page is read by a parser not ours."""

import csv
import html.parser
import io
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml


class Figures(html.parser.HTMLParser):
    """The rows of the table of all points: the exact figures behind what is shown."""

    def __init__(self):
        super().__init__()
        self.rows, self.ids, self.inside = [], [], False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "section":
            self.inside = attributes.get("aria-labelledby") == "points"
        if self.inside and tag == "tr":
            self.rows.append([])
        if self.inside and tag == "data":
            self.rows[-1].append(float(attributes["value"]))


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run([os.environ["KP_PAGES"], folder.name], check=True)

    def bench(self, *words, status=0):
        done = subprocess.run([os.environ["KP_PROGRAM"], "bench", *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_page_table_and_json_hold_the_same_figures(self):
        self.bench("report", "before.json", "--format=html", "--output=page.html")
        page = Figures()
        page.feed((self.folder / "page.html").read_text())
        rows = [row for row in page.rows if row]
        points = json.loads(self.bench("report", "before.json", "--format=json"))["points"]
        table = list(csv.DictReader(io.StringIO(self.bench("report", "before.json", "--format=csv"))))
        self.assertEqual([len(points), len(table)], [len(rows)] * 2)
        for row, point, line in zip(rows, points, table):
            for figure in ("ttft_ms", "itl_ms"):
                for percentile in ("p50", "p99"):
                    exact = point[figure][percentile]
                    self.assertIn(exact, row)
                    column = figure.replace("_ms", f"_{percentile}_ms")
                    self.assertEqual(float(line[column]), exact)
            self.assertEqual(float(line["output_tokens_per_second"]),
                             point["output_tokens_per_second"])
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertLessEqual({"verdict", "throughput", "latency", "spread-ttft", "series-0-ttft"},
                             set(page.ids))

    def test_llm_d_is_a_document_for_each_point(self):
        text = self.bench("report", "before.json", "--format=llm-d")
        documents = list(yaml.safe_load_all(text))
        self.assertEqual(len(documents), 5)
        self.assertEqual({str(d["version"]) for d in documents}, {"0.2"})

    def test_the_table_leads_with_the_verdict(self):
        self.assertIn("Knee at 32 clients", self.bench("report", "before.json"))

    def test_compare_fails_only_where_it_is_asked_to(self):
        self.assertIn("WORSE", self.bench("compare", "before.json", "after.json"))
        self.bench("compare", "before.json", "after.json", "--fail-if-worse=90")
        self.bench("compare", "after.json", "before.json", "--fail-if-worse=0")
        error = self.bench("compare", "before.json", "after.json", "--fail-if-worse=5", status=4)
        self.assertIn("worse than A by more than 5 %", error)

    def test_wrong_input_is_told_by_its_name(self):
        (self.folder / "other.json").write_text("{}")
        self.assertIn("other.json: not a bench report", self.bench("report", "other.json", status=2))
        self.bench("report", "before.json", "--format=pdf", status=2)
        self.bench("report", status=2)
        self.bench("compare", "before.json", status=2)


if __name__ == "__main__":
    unittest.main()
