"""The page in a headless Chromium: what it shows is what NumPy has, and no error in the console."""

import re
import shutil

import numpy as np
import pytest

from ncf_numpy.core.losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ncf_numpy.core.optimizers import SGD, Adam
from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.learn.stepper.batch import build_model, choose_batch
from ncf_numpy.learn.stepper.digits import short
from ncf_numpy.learn.stepper.page import build_page
from ncf_numpy.learn.stepper.trace import trace_step

PLAYS = sample_lastfm()[0]


def make(name="neumf", loss=None, optimizer=None, size=6, steps=0, **sizes):
    """(trace, page) of a model."""
    batch = choose_batch(PLAYS, np.random.default_rng(0), size)
    model = build_model(name, PLAYS, np.random.default_rng(1), **sizes)
    loss, optimizer = loss or BinaryCrossEntropyWithLogits(), optimizer or Adam(0.01)
    trace = trace_step(model, loss, optimizer, batch.users, batch.items, batch.labels)
    return trace, build_page(trace, model, loss, optimizer, batch, steps=steps)


@pytest.fixture(scope="module")
def neumf():
    return make(steps=5)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver_program = shutil.which("chromedriver")
    if not (program and driver_program):
        pytest.skip("no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync "
        f"--window-size=1280,800 --user-data-dir={tmp_path_factory.mktemp('profile')}"
    )
    for flag in flags.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_program))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, tmp_path):
    """show(page) opens it from disk; afterwards the console must be empty."""

    def open_page(page, width=1280, height=800, dark=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        browser.get(path.as_uri())
        return browser

    yield open_page
    assert browser.get_log("browser") == []


HARVEST = """
const seen = [];
for (let stop = 0; stop < data.stops.length; stop++) {
  go(stop);
  data.stops[stop][3].forEach((number, k) => {
    document.querySelectorAll("#lines button")[k].click();
    seen.push({
      number, box: $("box").textContent, code: $("source").textContent,
      place: $("place").textContent, numbers: $("numbers").textContent,
      check: $("check").textContent, said: $("said").textContent,
      cells: [...document.querySelectorAll(".result-table td")].map((c) => c.textContent),
    });
  });
}
return seen;
"""


def plain(text):
    """As Python writes it: a hyphen for minus, * for times, sqrt, three dots."""
    for shown, written in {"−": "-", " × ": " * ", "√": "sqrt", "…": "..."}.items():
        text = text.replace(shown, written)
    return text


MODELS = {
    "mf": (BinaryCrossEntropy, SGD),
    "gmf": (BinaryCrossEntropyWithLogits, SGD),
    "mlp": (BinaryCrossEntropy, Adam),
    "neumf": (BinaryCrossEntropyWithLogits, Adam),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_step_shows_numpys_numbers(show, name):
    loss, optimizer = MODELS[name]
    trace, page = make(name, loss(), optimizer(0.1))
    seen = show(page).execute_script(HARVEST)
    assert [one["number"] for one in seen] == list(range(len(trace.records)))
    for record, one in zip(trace.records, seen, strict=True):
        assert (one["box"], one["code"]) == (record.box, record.code)
        assert one["place"] == f"{record.file}:{record.line}"
        assert [plain(cell) for cell in one["cells"]] == [
            short(x) for x in record.value.reshape(-1)
        ]
        numbers = f"= {record.source() or record.worked()} = {short(record.value[record.entry])}"
        assert plain(one["numbers"]).endswith(numbers)
        assert ("✓" in one["check"]) == (record.numerical is not None and record.n_checked > 0)
        assert record.formula.text in one["said"]


def test_keys_buttons_slider_and_play(show, neumf):
    driver = show(neumf[1])
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    body = driver.find_element("tag name", "body")
    count = driver.find_element("id", "count")
    assert count.text == "1 / 32"
    body.send_keys(keys.ARROW_RIGHT, keys.ARROW_RIGHT, keys.ARROW_LEFT)
    assert count.text == "2 / 32"
    body.send_keys("r")
    assert driver.find_element("id", "phase").text == "Backward"
    assert count.text == "13 / 32"
    body.send_keys(keys.END)
    assert count.text == "32 / 32"
    assert not driver.find_element("id", "next").is_enabled()
    driver.find_element("id", "to-forward").click()
    assert not driver.find_element("id", "back").is_enabled()
    driver.find_element("id", "next").click()
    assert count.text == "2 / 32"
    slider = driver.find_element("id", "slider")
    slider.send_keys(keys.ARROW_RIGHT)
    assert count.text == "3 / 32"
    driver.find_element("id", "play").click()
    assert driver.find_element("id", "play").text == "Pause"
    driver.find_element("id", "play").click()
    driver.execute_script("boxes.dense1.element.click()")
    assert driver.find_element("id", "box").text == "dense1"


def test_pointing_at_a_gradient_shows_where_it_comes_from(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = next(r for r in trace.records if (r.box, r.name) == ("dense1", "dW"))
    driver.execute_script(f"go({dW.stop})")
    cell = driver.find_element(
        "css selector", ".result-table tbody tr:nth-child(4) td:nth-of-type(3)"
    )
    chains = pytest.importorskip("selenium.webdriver.common.action_chains")
    chains.ActionChains(driver).move_to_element(cell).perform()
    assert plain(driver.find_element("id", "numbers").text) == (
        f"dW[3, 2] = {dW.worked((3, 2))} = {short(dW.value[3, 2])}"
    )
    x, dy = dW.holes["self.x[b,i]"].array, dW.holes["dy[b,o]"].array
    lit = [plain(c.text) for c in driver.find_elements("css selector", "#arrays td.part")]
    assert lit == [short(v) for v in [*x[:, 3], *dy[:, 2]]]  # column 3 of x and column 2 of dy


def test_arrow_keys_move_over_a_table(show, neumf):
    trace, page = neumf
    driver = show(page)
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    dW = next(r for r in trace.records if (r.box, r.name) == ("dense1", "dW"))
    driver.execute_script(f"go({dW.stop})")
    table = driver.find_element("css selector", ".result-table")
    table.send_keys(*[keys.ARROW_UP] * 9, *[keys.ARROW_LEFT] * 9, keys.ARROW_DOWN)
    assert driver.find_element("id", "numbers").text.startswith("dW[1, 0] = ")
    assert driver.find_element("id", "count").text.startswith(f"{dW.stop + 1} ")


def test_the_scatter_add_is_drawn(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = next(r for r in trace.records if (r.box, r.name) == ("item_embedding", "dW"))
    driver.execute_script(f"go({dW.stop})")
    paths = driver.find_elements("css selector", ".flow path")
    hits = {(int(p.get_attribute("data-batch")), int(p.get_attribute("data-table"))) for p in paths}
    rows = dW.rows.tolist()
    assert hits == {(b, rows.index(item)) for b, item in enumerate(trace.items)}
    assert len(driver.find_elements("css selector", ".flow path.twice")) == 2
    note = driver.find_element("id", "note").text
    assert "is in the batch 2 times" in note
    assert "the naive dW[ids] += dy would keep" in note


def test_the_switch_shows_what_a_bug_would_give(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = next(r for r in trace.records if (r.box, r.name) == ("item_embedding", "dW"))
    driver.execute_script(f"go({dW.stop})")
    select = pytest.importorskip("selenium.webdriver.support.select").Select
    select(driver.find_element("id", "bug")).select_by_value("dropped-repeats")
    off = [plain(c.text) for c in driver.find_elements("css selector", ".result-table td.off")]
    item = np.bincount(trace.items).argmax()
    last = dW.holes["dy[b,k]"].array[trace.items == item][-1]  # all that the naive code keeps
    assert off == [short(x) for x in last]
    assert "the check fails" in driver.find_element("id", "check").text
    assert "keeps only its last gradient" in driver.find_element("id", "bugline").text
    driver.find_element("id", "to-forward").click()
    begins = driver.find_element("id", "bugline").text
    assert f"it begins at step {dW.stop + 1}." in begins


def test_the_training_view(show, neumf):
    driver = show(neumf[1])
    driver.find_element("id", "view-training").click()
    assert not driver.find_element("id", "step-view").is_displayed()
    driver.execute_script("$('train-slider').value = 3; $('train-slider').oninput()")
    assert driver.find_element("id", "train-count").text == "step 3 / 5"
    assert len(driver.find_elements("css selector", "#points circle")) == 5
    driver.find_element("id", "view-step").click()
    assert driver.find_element("id", "step-view").is_displayed()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_nothing_sticks_out_and_everything_has_a_name(show, neumf, size, dark):
    driver = show(neumf[1], *size, dark=dark)
    for stop in range(0, 32, 3):
        driver.execute_script(f"go({stop})")
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    nameless = """return [...document.querySelectorAll("button, select, input")].filter(
        (e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length))"""
    assert driver.execute_script(nameless) == []
    ink, paper = driver.execute_script(
        "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
    )
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
    assert (light[0] > light[1]) == dark
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0


@pytest.mark.robustness  # takes seconds
def test_the_large_page_scrolls(show):
    trace, page = make(size=12, factors=8, layers=(64, 32, 16, 8))
    driver = show(page)
    seen = driver.execute_script(HARVEST)
    assert [len(one["cells"]) for one in seen] == [r.value.size for r in trace.records]
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
