"""The playground in Chromium, on its own server and with Pyodide from a static host.

Pyodide's files are taken from the folder that NCF_NUMPY_PYODIDE names.
"""

import base64
import functools
import http.server
import json
import os
import runpy
import statistics
import threading
import time
from pathlib import Path

import pytest
import rewrites

from ncf_numpy.learn.exercises import blank, numbers, solved
from ncf_numpy.learn.playground.server import Server

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

SITE = runpy.run_path(str(Path(__file__).parents[3] / "tools" / "site" / "playground.py"))
FUNCTIONS = ("Dense.back", "Embedding.back", "NeuMF.back", "BinaryCrossEntropyWithLogits.back")
NO_PYODIDE = "NCF_NUMPY_PYODIDE names no folder with Pyodide"


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


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """(folder, address) of a static host."""
    folder = tmp_path_factory.mktemp("host")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Host, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def pyodide():
    source = os.environ.get("NCF_NUMPY_PYODIDE")
    if not source:
        pytest.skip(NO_PYODIDE)
    return Path(source)


@pytest.fixture(scope="module", params=["server", "pyodide"])
def address(request, tmp_path_factory):
    if request.param == "server":
        with Server(seconds=20) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.address
            server.shutdown()
    else:
        source = request.getfixturevalue("pyodide")
        folder, origin = request.getfixturevalue("host")
        SITE["build"](source, folder / "docs" / "playground")
        yield f"{origin}/docs/playground/index.html"


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


@pytest.fixture
def page(browser, resize, address):
    resize(1440, 900)
    yield Page(browser, address).open()
    assert browser.get_log("browser") == []


def chosen(cases, n):
    """n of the cases of the four functions, spread over all of them; and, marked, all."""
    titles = [title for title in cases if title.startswith(FUNCTIONS)]
    some = titles[:: max(1, len(titles) // n)][:n]
    return [
        pytest.param(some, id="some"),
        pytest.param(titles, id="all", marks=pytest.mark.robustness),  # takes minutes
    ]


@pytest.mark.parametrize("titles", chosen(rewrites.WRONG, 20))
def test_wrong_rewrites_are_located_in_the_page(page, titles):
    assert len(titles) >= 20
    for title in titles:
        function, source, _ = rewrites.WRONG[title]
        page.run(function, source)
        assert page.first() == (function, rewrites.wrong_line(source)), title
        marked = page.part("#pane-code .gutter .first, #pane-code .gutter .error")
        assert marked.text == str(rewrites.wrong_line(source)), title


@pytest.mark.parametrize("titles", chosen(rewrites.RIGHT, 8))
def test_right_rewrites_are_green_or_not_judged_in_the_page(page, titles):
    assert len(titles) >= 8
    for title in titles:
        page.run(*rewrites.RIGHT[title][:2])
        assert page.first() is None, title
        assert "All that could be compared is right" in page.text("#pane-code .verdict"), title
        kinds = "return [...document.querySelectorAll('.gutter li')].map((li) => li.className)"
        found = set(page.browser.execute_script(kinds))
        assert "right" in found <= {"", "right", "open"}, title


def test_graph_turns_red_at_the_first_wrong_value_and_says_what_it_would_be(page):
    function, source, _ = rewrites.WRONG["Dense.backward: the sign of dx"]
    page.run(function, source)
    red = page.browser.find_elements(By.CSS_SELECTOR, ".graph .box.wrong")
    assert [box.get_attribute("aria-current") for box in red] == ["step"]
    assert red[0].text.startswith("output")
    check = page.browser.find_element(By.CSS_SELECTOR, 'main [data-part="check"]').text
    assert "should be" in check
    said = page.text("#pane-code .verdict p:nth-of-type(3)").replace("\N{MINUS SIGN}", "-")
    is_, would_be = said.split("is ")[1].split(", should be ")
    assert float(is_) == -float(would_be.split("compared")[0])


def test_planted_bug_is_an_edit_that_can_be_mended(page):
    before = page.runs
    Select(page.part('[name="bug"]')).select_by_value("product-rule")
    page.until(f"document.body.dataset.runs > {before}")
    assert page.first()[0] == "NeuMF.backward"
    assert "dp_G = dphi_G * self.p_G" in page.text(".difference ins")
    before = page.runs
    page.part('#pane-code [name="reset"]').click()
    page.until(f"document.body.dataset.runs > {before}")
    assert page.first() is None


def test_layer_of_ones_own_is_written_in_the_page_and_judged(page):
    """The example in the place of the ReLU is wrong; mended, it is right; Reset takes it out."""
    code = "#pane-code "
    Select(page.part(code + '[name="function"]')).select_by_value("layer")
    before = page.runs
    Select(page.part(code + '[name="replaces"]')).select_by_value("ReLU")
    page.until(f"document.body.dataset.runs > {before}")
    assert page.first() == ("Softplus.backward", 10)
    assert page.part(code + ".gutter .first").text == "10"
    area = page.part(code + "textarea")
    mended = area.get_attribute("value").replace("dx = dy", "dx = dy / (1 + np.exp(-self.x))")
    before = page.runs
    page.edit("layer", mended).send_keys(Keys.CONTROL, Keys.ENTER)
    page.until(f"document.body.dataset.runs > {before}")
    assert page.first() is None
    boxes = "return document.querySelector('main').playground.reply.view.boxes"
    assert "Softplus" in [box["kind"] for box in page.browser.execute_script(boxes)]
    before = page.runs
    page.part(code + '[name="reset"]').click()
    page.until(f"document.body.dataset.runs > {before}")
    assert page.first() is None
    assert "Softplus" not in [box["kind"] for box in page.browser.execute_script(boxes)]


def test_gradient_check_lists_every_array(page):
    page.run(*rewrites.WRONG["Dense.backward: one percent too large"][:2])
    page.part('[name="check"]').click()
    page.until("document.querySelector('.checked tbody tr')")
    rows = page.browser.find_elements(By.CSS_SELECTOR, ".checked tbody tr")
    wrong = [row.text.split()[1] for row in rows if "✗" in row.text]
    assert wrong == ["dense1.W", "dense2.W", "output.W"]
    assert len(rows) == 9


def test_loss_on_pairs_takes_a_positive_and_a_negative_of_each_user(page):
    page.tab("settings")
    before = page.runs
    Select(page.part('[name="loss"]')).select_by_value("bpr")
    page.until(f"document.body.dataset.runs > {before}")
    labels = page.browser.find_elements(By.CSS_SELECTOR, '[name="labels"]')
    assert [float(field.get_attribute("value")) for field in labels] == [1, 1, 1, 0, 0, 0]
    page.tab("code")
    page.run(*rewrites.WRONG["BPR.backward: both rows of a pair alike"][:2])
    assert page.first() == ("BPR.backward", 4)


def test_label_and_learning_rate_change_the_numbers(page):
    def numbers():
        view = "document.querySelector('main').playground.reply.view"
        values = page.browser.execute_script(f"return [{view}.value, {view}.arrays]")
        return json.dumps(values)

    seen = [numbers()]
    page.tab("settings")
    for name, value in (("labels", "0"), ("rate", "0.5")):
        before = page.runs
        field = page.part(f'[name="{name}"]')
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value, Keys.TAB)
        page.until(f"document.body.dataset.runs > {before}")
        seen.append(numbers())
    assert len(set(seen)) == 3
    before = page.runs
    Select(page.part('[name="model"]')).select_by_value("gmf")
    page.until(f"document.body.dataset.runs > {before}")
    assert page.browser.find_element(By.TAG_NAME, "h1").text.startswith("GMF")


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


def test_endless_loop_is_stopped_and_the_page_goes_on(page):
    area = page.edit("ReLU.backward", "def backward(self, dy):\n    while True: pass\n")
    before = page.runs
    area.send_keys(Keys.CONTROL, Keys.ENTER)
    page.until("document.querySelector('.status').dataset.kind === 'busy'")
    stop = page.part('[name="stop"]')
    time.sleep(0.5)
    stop.click()
    page.until(f"document.body.dataset.runs > {before}")
    assert "stopped" in page.text("#pane-code .verdict")
    page.run(*rewrites.RIGHT["ReLU.backward: a mask in place"][:2])
    assert page.first() is None


@pytest.mark.robustness  # the twenty seconds that code may take
@pytest.mark.parametrize("line", ["while True: pass", "while True: print('x' * 1000)"])
def test_loop_without_end_is_ended_when_its_time_is_up(page, line):
    source = f"def backward(self, dy):\n    {line}\n"
    area, before = page.edit("ReLU.backward", source), page.runs
    area.send_keys(Keys.CONTROL, Keys.ENTER)
    page.until(f"document.body.dataset.runs > {before}")
    assert "time" in page.text("#pane-code .verdict")
    assert len(page.text(".output")) <= 10_000
    page.run(*rewrites.RIGHT["ReLU.backward: a mask in place"][:2])
    assert page.first() is None


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (["import os", "os._exit(3)"], "status 3"),
        (["import ctypes", "ctypes.string_at(0)"], "SIGSEGV"),
        (["import os", "os.kill(os.getpid(), 9)"], "SIGKILL"),
    ],
)
def test_crash_of_the_process_is_told_and_the_page_goes_on(page, lines, part):
    if 'content="worker"' in page.browser.page_source:
        pytest.skip("Pyodide has no process of its own that code could end")
    source = "def backward(self, dy):\n    " + "\n    ".join(lines) + "\n"
    page.run("ReLU.backward", source)
    assert part in page.text("#pane-code .verdict")
    assert part in page.text(".status")
    page.run(*rewrites.RIGHT["ReLU.backward: a mask in place"][:2])
    assert page.first() is None
    assert "ready" in page.text(".status")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("a = [np.ones(2**24) for k in range(80)]", "MemoryError"),  # 10 GB, bit by bit
        ("for k in range(500): print('x' * 100)", ""),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
    ],
)
def test_page_says_what_happened_and_stays_usable(page, line, part):
    source = f"def backward(self, dy):\n    {line}\n    return dy * (self.x > 0)\n"
    page.run("ReLU.backward", source)
    assert part in page.text("#pane-code .verdict")
    assert len(page.text(".output")) <= 10_000
    page.run(*rewrites.RIGHT["ReLU.backward: a mask in place"][:2])
    assert page.first() is None


@pytest.mark.robustness  # a measurement
def test_from_edit_to_trace_in_less_than_a_second_and_a_half(page):
    function, source, _ = rewrites.WRONG["Dense.backward: the sign of dx"]
    page.run(function, source)
    times = []
    for _ in range(10):
        page.run(function, source)
        times.append(
            page.browser.execute_script("return document.querySelector('main').playground.took")
        )
    print("milliseconds from edit to trace:", sorted(round(t) for t in times))
    assert statistics.median(times) < 1500


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


# what a static host may do wrong


def failing(browser, address):
    page = Page(browser, address)
    browser.get("about:blank")
    browser.get(address)
    page.until("document.querySelector('.status')?.dataset.kind === 'bad'", 60)
    browser.get_log("browser")
    return page.text(".status")


@pytest.mark.parametrize("name", ["pyodide.asm.wasm", "pyodide.mjs", SITE["NUMPY"]])
def test_changed_or_missing_file_is_refused(browser, host, pyodide, name):
    folder, origin = host
    SITE["build"](pyodide, folder / "broken")
    path = folder / "broken" / "pyodide" / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert "could not be loaded" in failing(browser, f"{origin}/broken/index.html")
    path.unlink()
    assert "could not be loaded" in failing(browser, f"{origin}/broken/index.html")


def test_files_may_stand_at_another_address(browser, pyodide, host, tmp_path):
    other = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Host, directory=str(pyodide))
    )
    threading.Thread(target=other.serve_forever, daemon=True).start()
    folder, origin = host
    elsewhere = f"http://127.0.0.1:{other.server_port}/"
    SITE["build"](pyodide, folder / "elsewhere", elsewhere)
    assert list((folder / "elsewhere" / "pyodide").iterdir()) == []
    page = Page(browser, f"{origin}/elsewhere/index.html").open()
    other.shutdown()
    other.server_close()
    assert page.first() is None


def test_build_refuses_a_file_it_does_not_know(pyodide, tmp_path):
    for name in SITE["SHA256"]:
        (tmp_path / name).write_bytes((pyodide / name).read_bytes())
    (tmp_path / "pyodide.mjs").write_text("alert(1)")
    with pytest.raises(ValueError, match="pyodide.mjs has the SHA-256"):
        SITE["build"](tmp_path, tmp_path / "site")


def test_page_of_another_port_runs_nothing(browser, host):
    folder, origin = host
    (folder / "other.html").write_text("<!doctype html><title>another page</title>")
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = []
        server.workshop.ask = lambda request: asked.append(request) or {}
        browser.get(f"{origin}/other.html")
        script = """const done = arguments[arguments.length - 1];
            const [address, token] = [arguments[0], arguments[1]];
            const options = [{mode: "no-cors", headers: {"Content-Type": "text/plain"}},
              {headers: {"Content-Type": "application/json", "X-Token": token}}, {mode: "no-cors"}];
            const send = (more) => fetch(`${address}/ask`, {method: "POST", body: "{}", ...more});
            Promise.all(options.map((more) => send(more).then((r) => r.type, () => "failed")))
              .then(done);"""
        kinds = browser.execute_async_script(script, server.origin, server.token)
        server.shutdown()
    browser.get_log("browser")
    assert set(kinds) <= {"opaque", "failed"}  # nothing that the other page can read
    assert asked == []
