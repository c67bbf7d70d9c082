"""A person at the playground: the page in Chromium, and the static host it may come from."""

import http.server
import runpy
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

SITE = runpy.run_path(str(Path(__file__).parents[3] / "tools" / "site" / "playground.py"))


class Host(http.server.SimpleHTTPRequestHandler):
    """A static host, as any is; with CORS, as a CDN has it."""

    extensions_map = {
        ".html": "text/html",
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".json": "application/json",
        ".wasm": "application/wasm",
    }

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_):
        pass


class Page:
    """The page as a person uses it."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, fragment="", patience=120):
        self.browser.get("about:blank")
        joined = "&" if "#" in self.address else "#"
        self.browser.get(self.address + (joined + fragment if fragment else ""))
        self.until("'ready' in document.body.dataset", patience)
        return self

    def until(self, condition, patience=60):
        wait = WebDriverWait(self.browser, patience, poll_frequency=0.02)
        wait.until(lambda browser: browser.execute_script(f"return {condition}"), condition)

    def part(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, f".workbench {selector}")

    def text(self, selector):
        return self.part(selector).get_attribute("textContent")

    def tab(self, name):
        self.part(f"#tab-{name}").click()

    @property
    def runs(self):
        return int(self.browser.execute_script("return document.body.dataset.runs ?? 0"))

    def edit(self, function, source):
        Select(self.part('#pane-code [name="function"]')).select_by_value(function)
        area = self.part("#pane-code textarea")
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
        self.browser.execute_script(script, area, source)
        return area

    def run(self, function, source):
        """Edit a function alone, press Ctrl-Enter and wait for the verdict."""
        self.browser.execute_script("document.querySelector('main').playground.state.edits = {}")
        area, before = self.edit(function, source), self.runs
        area.send_keys(Keys.CONTROL, Keys.ENTER)
        self.until(f"document.body.dataset.runs > {before}")

    def first(self):
        """(function, line) of the first wrong value, as the page says it; or None."""
        buttons = self.browser.find_elements(By.CSS_SELECTOR, "#pane-code .verdict button")
        if not buttons:
            return None
        function, _, line = buttons[0].text.partition(", line ")
        return function, int(line)
