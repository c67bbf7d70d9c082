"""The page's other tabs, its address, and its layout."""

import base64
import json

import pytest
import rewrites

from ncf_numpy.learn.exercises import blank, numbers, solved

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402


def test_hunt_is_won_by_the_wrong_line_and_remembered(page):
    page.tab("hunt")
    page.until("document.querySelector('.suspects li')")
    lines = page.browser.find_elements(By.CSS_SELECTOR, ".suspects button")
    next(line for line in lines if line.text.strip() == "dq_G = dphi_G * self.p_G").click()
    page.until("document.querySelector('#pane-hunt .verdict .bad')")
    next(line for line in lines if line.text.strip() == "dp_G = dphi_G * self.p_G").click()
    page.until("document.querySelector('#pane-hunt .verdict .good')")
    page.open()
    page.tab("hunt")
    page.until("document.querySelector('#pane-hunt option')")
    assert page.part('#pane-hunt option[value="1"]').text.startswith("✓")


def test_hunt_has_three_hints_that_open_one_by_one(page):
    page.tab("hunt")
    page.until("document.querySelectorAll('.hints details').length === 3")
    hints = page.browser.find_elements(By.CSS_SELECTOR, ".hints details")
    assert not any(hint.get_attribute("open") for hint in hints)
    for hint, part in zip(hints, ("user_embedding.W fails", "NeuMF.backward", "linear in p")):
        hint.find_element(By.TAG_NAME, "summary").click()
        assert hint.get_attribute("open") and part in hint.text


def test_exercise_is_solved_and_remembered(page):
    page.tab("exercises")
    Select(page.part('#pane-exercises [name="number"]')).select_by_value("4")
    fill = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
    for text, part in ((blank(numbers()[4]), "✗"), (solved(numbers()[4]), "Solved")):
        area = page.part("#pane-exercises textarea")
        page.browser.execute_script(fill, area, text)
        area.send_keys(Keys.CONTROL, Keys.ENTER)
        said = "document.querySelector('#pane-exercises .verdict').textContent"
        page.until(f"{said}.includes('{part}')")
    page.open()
    assert page.part('#pane-exercises option[value="4"]').get_attribute("text").startswith("✓")


def fragment(step, edits):
    text = json.dumps({"step": step, "edits": edits}).encode()
    return "state=" + base64.urlsafe_b64encode(text).decode().rstrip("=")


def test_code_from_a_link_is_shown_and_runs_only_after_a_click(page):
    page.browser.execute_script("sessionStorage.removeItem('code-run-here')")
    source = "def backward(self, dy):\n    print('it ran')\n    return dy * (self.x > 0)\n"
    page.open(fragment({"model": "mlp"}, {"ReLU.backward": source}))
    assert page.part('[data-part="linked"]').is_displayed()
    assert "it ran" not in page.text(".output")
    Select(page.part('#pane-code [name="function"]')).select_by_value("ReLU.backward")
    assert page.part("#pane-code textarea").get_attribute("value") == source
    page.tab("settings")
    for setting, value in (("optimizer", "sgd"), ("model", "neumf")):
        before = page.runs
        Select(page.part(f'[name="{setting}"]')).select_by_value(value)
        page.until(f"document.body.dataset.runs > {before}")
    page.tab("code")
    for name, done in (("check", ".checked"), ("curve", ".chart")):
        page.part(f'#pane-code [name="{name}"]').click()
        page.until(f"document.querySelector('#pane-code {done}')")
    assert "✗" not in page.text(".more")
    assert "it ran" not in page.text(".output")
    before = page.runs
    page.part('#pane-code [name="run"]').click()
    page.until(f"document.body.dataset.runs > {before}")
    assert "it ran" in page.text(".output")
    assert not page.part('[data-part="linked"]').is_displayed()


def test_state_is_in_the_address_and_the_token_is_not(page):
    function, source, _ = rewrites.RIGHT["Dense.backward: einsum"]
    page.run(function, source)
    address = page.browser.current_url
    assert "token" not in address
    text = address.partition("#state=")[2]
    state = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert state["edits"] == {function: source}
    page.browser.refresh()
    page.until("'ready' in document.body.dataset", 120)
    assert page.part("#pane-code textarea").get_attribute("value") == source


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_nothing_sticks_out_and_every_field_has_a_name(page, resize, size):
    resize(*size)
    Select(page.part('#pane-code [name="function"]')).select_by_value("layer")
    sticking_out = """const right = (e) => e.getBoundingClientRect().right;
        const most = right(document.querySelector(".workbench"));
        const fields = document.querySelectorAll(".workbench :is(button, select, input, .editor)");
        const shown = [...fields].filter((e) => e.offsetParent && !e.closest(".suspects"));
        return shown.filter((e) => right(e) > most).map((e) => e.outerHTML)"""
    for tab in ("code", "settings", "exercises", "hunt"):
        page.tab(tab)
        script = "return document.documentElement.scrollWidth <= innerWidth"
        assert page.browser.execute_script(script), tab
        assert page.browser.execute_script(sticking_out) == [], tab
    nameless = """const fields = document.querySelectorAll("button, select, input, textarea");
        const named = (e) => e.textContent.trim() || e.ariaLabel || e.labels?.length;
        return [...fields].filter((e) => e.offsetParent && !named(e)).map((e) => e.outerHTML)"""
    assert page.browser.execute_script(nameless) == []
