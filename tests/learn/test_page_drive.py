"""The whole page driven by mouse and by keyboard: nothing is dead, cut or lost, in any window.

The windows are those of a laptop, a small one, a phone, and the first at 200% zoom.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_page_browser import MODELS, STEPPER, keys, make, part, run, select_bug

WINDOWS = {
    "laptop": {"width": 1440, "height": 900},
    "small": {"width": 1024, "height": 768},
    "phone": {"width": 390, "height": 844},
    "zoomed": {"width": 1440, "height": 900, "zoom": 2},
}
DRIVE = (Path(__file__).parent / "drive.js").read_text(encoding="utf-8")


def ask(driver, question):
    """The complaints of a function of drive.js."""
    return driver.execute_script(f"{DRIVE}{STEPPER}return {question}(stepper);")


@pytest.fixture
def open_page(show):
    """open_page(model, **window): with all bugs and a training."""
    return lambda name, **window: show(make(name)[1], **window)


def stops_of(driver):
    return run(driver, "return stepper.view.stops")


def check_all_stops(driver, lines=True):
    for number, stop in enumerate(stops_of(driver)):
        run(driver, f"stepper.go({number})")
        assert ask(driver, "misfits") == ask(driver, "unseen") == [], stop
        for line in range(len(stop["records"]) if lines else 0):
            run(driver, f"stepper.goToLine({line})")
            assert run(driver, "return stepper.number") == stop["records"][line]


@pytest.mark.parametrize("window", WINDOWS)
def test_the_first_and_a_wide_stop_fit(open_page, window):
    driver = open_page("neumf", **WINDOWS[window])
    assert ask(driver, "misfits") == []
    stop = next(k for k, s in enumerate(stops_of(driver)) if s["fn"] == "Embedding.backward")
    run(driver, f"stepper.go({stop})")
    assert ask(driver, "misfits") == ask(driver, "unseen") == []


@pytest.mark.robustness  # takes a minute
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", MODELS)
def test_every_stop_of_every_model_fits_every_window(open_page, name, window):
    driver = open_page(name, **WINDOWS[window])
    check_all_stops(driver)
    for bug in run(driver, "return Object.keys(stepper.view.data.bugs)"):
        run(driver, f"stepper.choose('{bug}')")
        check_all_stops(driver, lines=False)
    run(driver, "stepper.choose(''); stepper.speak('ko')")
    check_all_stops(driver, lines=False)
    run(driver, "stepper.look('training')")
    assert ask(driver, "misfits") == []


@pytest.mark.robustness
@pytest.mark.parametrize("size", [20, 24, 32])
def test_a_large_default_font_lets_nothing_overlap(open_page, size):
    driver = open_page("neumf")
    run(
        driver,
        f"document.documentElement.style.fontSize = '{size}px'; stepper.show(stepper.view.data)",
    )
    for number in range(len(stops_of(driver))):
        run(driver, f"stepper.go({number})")
        assert ask(driver, "overlaps") == ask(driver, "misfits") == []


def names_of_boxes(driver):
    return run(driver, "return Object.keys(stepper.graph.boxes)")


@pytest.mark.robustness
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", MODELS)
def test_the_mouse_reaches_everything(open_page, name, window):
    driver = open_page(name, **WINDOWS[window])
    stops = stops_of(driver)
    for number in range(1, len(stops)):
        part(driver, "next").click()
        assert part(driver, "count").text == f"{number + 1} / {len(stops)}"
        assert part(driver, "box").text == stops[number]["box"]
        lines = part(driver, "lines").find_elements("tag name", "button")
        for line, record in enumerate(stops[number]["records"]):
            lines[line].click()
            assert run(driver, "return stepper.number") == record
    part(driver, "next").click()  # at the end it stays
    part(driver, "back").click()
    assert part(driver, "count").text == f"{len(stops) - 1} / {len(stops)}"
    part(driver, "to-backward").click()
    for box in names_of_boxes(driver):
        run(driver, "scrollTo(0, 0)")
        element = run(driver, f"return stepper.graph.boxes[{box!r}].element")
        element.click()
        assert part(driver, "box").text == box
        assert part(driver, "phase").text == ("Update" if box == "optimizer" else "Backward")
        assert element.get_attribute("aria-current") == "step"
    for bug in run(driver, "return Object.keys(stepper.view.data.bugs)"):
        run(driver, "scrollTo(0, 0)")
        select_bug(driver, bug)
        assert part(driver, "bugline").is_displayed()
        assert run(driver, "return Object.keys(stepper.view.changes).length") > 0
        wrong = run(
            driver, "stepper.go(99); return stepper.root.querySelectorAll('.box.wrong').length"
        )
        assert wrong > 0
        run(driver, "scrollTo(0, 0)")
        part(driver, "to-training").click()
        assert part(driver, "train-bug").is_displayed()
        driver.find_element("css selector", "[data-view=step]").click()


def test_every_number_of_a_stop_answers_to_the_pointer(open_page):
    driver = open_page("gmf")
    run(driver, "stepper.go(stepper.view.firstOf('backward') + 1)")
    assert ask(driver, "silent") == []


@pytest.mark.robustness
@pytest.mark.parametrize("bug", ["", "ignored-upstream", "flipped-sign"])
@pytest.mark.parametrize("name", MODELS)
def test_every_number_answers_to_the_pointer(open_page, name, bug):
    driver = open_page(name)
    run(driver, f"stepper.choose(stepper.view.data.bugs[{bug!r}] ? {bug!r} : '')")
    for number, stop in enumerate(stops_of(driver)):
        run(driver, f"stepper.go({number})")
        for line in range(len(stop["records"])):
            run(driver, f"stepper.goToLine({line})")
            assert ask(driver, "silent") == []


# by keyboard alone


def press(driver, *what):
    driver.switch_to.active_element.send_keys(*what)


def focus_of(driver):
    """The name of what has the focus."""
    return driver.execute_script(
        "const e = document.activeElement; const figure = e.closest('figure')?.className; return "
        "e.dataset.part ?? [e.className.split(' ')[0], figure, e.tagName].filter(Boolean).join(' ')"
    )


def tab_to(driver, name, most=60):
    for _ in range(most):
        if focus_of(driver) == name:
            return
        press(driver, keys().TAB)
    raise AssertionError(f"{most} tabs do not lead to {name}")


def test_play_is_a_few_tabs_away_and_the_focus_is_never_lost(open_page):
    driver = open_page("neumf")
    key = keys()
    n = len(stops_of(driver))
    tab_to(driver, "play", most=10)
    tab_to(driver, "next")
    press(driver, *[key.ENTER] * (n + 1))  # once more than there are
    assert part(driver, "count").text == f"{n} / {n}"
    assert focus_of(driver) == "next"
    tab_to(driver, "result TABLE")
    press(driver, key.HOME)
    assert part(driver, "count").text == f"1 / {n}"
    assert focus_of(driver) == "result TABLE"
    driver.execute_script("document.activeElement.blur()")
    tab_to(driver, "box BUTTON")
    press(driver, key.ENTER)
    assert focus_of(driver) == "box BUTTON"
    press(driver, *[key.ARROW_DOWN] * 5, key.ENTER)
    assert part(driver, "box").text == names_of_boxes(driver)[5]
    assert focus_of(driver) == "box BUTTON"


@pytest.mark.robustness
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", MODELS)
def test_the_keyboard_reaches_everything(open_page, name, window):
    driver = open_page(name, **WINDOWS[window])
    key = keys()
    stops = stops_of(driver)
    body = driver.find_element("tag name", "body")
    for number in range(1, len(stops)):
        body.send_keys(key.ARROW_RIGHT)
        assert part(driver, "count").text == f"{number + 1} / {len(stops)}"
        for line, record in enumerate(stops[number]["records"]):
            body.send_keys(str(line + 1))
            assert run(driver, "return stepper.number") == record
    body.send_keys("r")
    tab_to(driver, "box BUTTON")
    names = names_of_boxes(driver)
    press(driver, *[key.ARROW_UP] * len(names))
    for number, box in enumerate(names):
        press(driver, key.ENTER)
        assert part(driver, "box").text == box
        assert focus_of(driver) == "box BUTTON"
        if number + 1 < len(names):
            press(driver, key.ARROW_DOWN)
    body.send_keys("r", key.ARROW_RIGHT)
    tables = run(driver, "return stepper.panel.operands.length + 1")
    seen = set()
    while len(seen) < tables:
        press(driver, key.TAB)
        focus = driver.switch_to.active_element
        if focus.tag_name != "table" or focus in seen:
            continue
        seen.add(focus)
        cells = focus.find_elements("css selector", "tbody td")
        columns = len(focus.find_elements("css selector", "tbody tr:first-child td"))
        press(driver, *[key.ARROW_UP] * len(cells), *[key.ARROW_LEFT] * len(cells))
        for k, cell in enumerate(cells):
            assert "here" in cell.get_attribute("class")
            at_end = (k + 1) % columns == 0
            press(
                driver,
                *([key.ARROW_DOWN, *[key.ARROW_LEFT] * columns] if at_end else [key.ARROW_RIGHT]),
            )
    driver.execute_script("document.activeElement.blur()")
    tab_to(driver, "bug")
    for bug in run(driver, "return Object.keys(stepper.view.data.bugs)"):
        press(driver, key.ARROW_DOWN)
        assert run(driver, "return stepper.view.bug") == bug
        assert focus_of(driver) == "bug"
    press(driver, key.HOME)
    driver.execute_script("document.activeElement.blur()")
    tab_to(driver, "to-training")
    press(driver, key.ENTER)
    tab_to(driver, "train-slider")
    press(driver, key.ARROW_RIGHT)
    assert run(driver, "return stepper.training.at") == 1
    tab_to(driver, "BUTTON")
    press(driver, key.ENTER)
    assert part(driver, "step-view").is_displayed()
    assert focus_of(driver) == "next"


# axe-core: https://github.com/dequelabs/axe-core


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, as npm has installed it here or globally."""
    places = [Path(__file__).parents[2] / "node_modules"]
    places += [Path(place) for place in os.environ.get("NODE_PATH", "").split(os.pathsep) if place]
    if shutil.which("npm"):
        root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=False)
        places.append(Path(root.stdout.strip()))
    for place in places:
        script = place / "axe-core" / "axe.min.js"
        if script.is_file():
            return script.read_text(encoding="utf-8")
    pytest.skip("axe-core is not installed: npm install axe-core")


def violations(driver, axe):
    driver.execute_script(axe)
    return driver.execute_async_script(f"{DRIVE}violations(arguments[0]);")


def test_axe_finds_nothing_at_a_stop(open_page, axe):
    driver = open_page("neumf")
    run(driver, "stepper.choose('product-rule'); stepper.go(20)")
    assert violations(driver, axe) == []


@pytest.mark.robustness
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", MODELS)
def test_axe_finds_nothing(open_page, axe, name, window, dark):
    driver = open_page(name, **WINDOWS[window], dark=dark)
    for phase in ("forward", "loss", "backward", "update"):
        run(driver, f"stepper.go(stepper.view.firstOf('{phase}') + 1)")
        assert violations(driver, axe) == []
    run(driver, "stepper.choose('flipped-sign'); stepper.go(99)")
    assert violations(driver, axe) == []
    run(driver, "stepper.look('training')")
    assert violations(driver, axe) == []
    run(driver, "stepper.choose(''); stepper.speak('ko'); stepper.look('step')")
    assert violations(driver, axe) == []
