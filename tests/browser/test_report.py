"""The HTML report in Chromium, opened from a file: it is whole by itself, quiet, and usable."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.action_chains import ActionChains


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        subprocess.run([os.environ["KP_PAGES"], cls.folder.name], check=True)
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1200,1500", f"--user-data-dir={cls.folder.name}/browser"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        cls.addClassCleanup(cls.browser.quit)

    def open(self, page, scheme="light", media="", script=True):
        browser = self.browser
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(pathlib.Path(self.folder.name, page + ".html").as_uri())

    def requests(self):
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                yield message["params"]["request"]["url"]

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def style(self, selector, what):
        return self.browser.execute_script(
            "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]",
            selector, what)

    def test_says_nothing_on_the_console_and_asks_nobody(self):
        for page in ("plain", "hostile"):
            self.open(page)
            self.assertEqual(self.browser.get_log("browser"), [])
            asked = list(self.requests())
            self.assertEqual(len(asked), 1, asked)
            self.assertTrue(asked[0].startswith("file:"), asked)

    def test_shows_the_knee_on_both_curves(self):
        self.open("plain")
        self.assertIn("Knee at 32 clients", self.one("#verdict .lead").text)
        for chart in ("#throughput", "#latency"):
            mark = self.one(chart + " svg.plot > line.knee")
            self.assertGreater(mark.size["height"], 150)
            self.assertEqual(self.one(chart + " .knee-text").text, "knee: 32 clients")
            line = self.one(chart + " svg.plot > g.ln")
            self.assertGreater(line.size["width"], 500)
        self.assertTrue(self.one("#points ~ .scroll tr.knee-row").is_displayed())

    def test_each_line_can_be_switched_off_and_on(self):
        for script in (True, False):  # style alone does it
            self.open("plain", script=script)
            line = self.one("#latency g.ln[data-t='0']")
            self.assertTrue(line.is_displayed())
            switch = self.one("#latency .legend label")
            switch.click()
            self.assertFalse(line.is_displayed())
            switch.click()
            self.assertTrue(line.is_displayed())
        hidden = self.browser.find_elements(By.CSS_SELECTOR, "#latency input:not(:checked)")
        self.assertEqual(len(hidden), 3)

    def test_reads_values_out_under_pointer_and_keys(self):
        self.open("plain")
        plot, read = self.one("#throughput svg.plot"), self.one("#throughput .read")
        self.assertEqual(read.text, "")
        ActionChains(self.browser).move_to_element(plot).perform()
        self.assertRegex(read.text, r"^\d+ clients: output tokens/s [\d,]+$")
        plot.send_keys(Keys.ARROW_LEFT * 20)
        self.assertEqual(read.text, "1 clients: output tokens/s 133")
        plot.send_keys(Keys.ARROW_RIGHT)
        self.assertEqual(read.text, "2 clients: output tokens/s 267")

    def test_opens_the_point_that_a_link_leads_to(self):
        self.open("plain")
        point = self.one("#point-0")
        self.assertIsNone(point.get_attribute("open"))
        self.one("a[href='#point-0']").click()
        self.assertIsNotNone(point.get_attribute("open"))

    def test_takes_hostile_text_as_text(self):
        self.open("hostile")
        self.assertTrue(self.browser.title.startswith("</title><script>"))
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "script, img, iframe")), 1)
        self.assertNotIn("secret", self.browser.page_source)

    def test_is_dark_where_the_reader_is_and_light_on_paper(self):
        def light(selector, what):
            numbers = self.style(selector, what).removeprefix("rgb(").rstrip(")").split(",")
            return sum(map(int, numbers[:3])) / 3

        self.open("plain", "light")
        self.assertGreater(light("body", "backgroundColor"), 220)
        self.assertLess(light("body", "color"), 60)
        self.open("plain", "dark")
        self.assertLess(light("body", "backgroundColor"), 40)
        self.assertGreater(light("body", "color"), 200)
        self.assertLess(light(".card", "backgroundColor"), 50)
        self.open("plain", "dark", media="print")
        self.assertGreater(light("body", "backgroundColor"), 250)

    def test_prints(self):
        self.open("plain")
        pdf = base64.b64decode(self.browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(pdf), 20_000)

    def test_fits_a_phone(self):
        self.browser.set_window_size(520, 900)
        self.addCleanup(self.browser.set_window_size, 1200, 1500)
        self.open("plain")
        wide = self.browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertLessEqual(wide, 0)

    def test_every_drawing_has_words(self):
        self.open("plain")
        unnamed = self.browser.execute_script("""
          return [...document.querySelectorAll("svg[role=img]")].filter(s =>
            !s.getAttribute("aria-labelledby").split(" ").every(id =>
              document.getElementById(id)?.textContent)).length""")
        self.assertEqual(unnamed, 0)
        twice = self.browser.execute_script("""
          const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
          return ids.filter((id, i) => ids.indexOf(id) !== i)""")
        self.assertEqual(twice, [])


if __name__ == "__main__":
    unittest.main()
