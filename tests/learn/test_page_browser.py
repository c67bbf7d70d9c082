"""The page in a headless Chromium: what it shows is what NumPy has, and no error in the console."""

import functools
import re

import numpy as np
import pytest

from ncf_numpy.core.losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ncf_numpy.core.optimizers import SGD, Adam
from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.learn.stepper.batch import build_model, choose_batch
from ncf_numpy.learn.stepper.digits import short
from ncf_numpy.learn.stepper.page import build_page, texts
from ncf_numpy.learn.stepper.trace import trace_step

PLAYS = sample_lastfm()[0]
STEPPER = "const stepper = document.querySelector('main').stepper;"


MODELS = {
    "mf": (BinaryCrossEntropy, SGD),
    "gmf": (BinaryCrossEntropyWithLogits, SGD),
    "mlp": (BinaryCrossEntropy, Adam),
    "neumf": (BinaryCrossEntropyWithLogits, Adam),
}


@functools.cache
def make(name="neumf", size=6, steps=5, factors=4, layers=(8, 6, 4)):
    """(trace, page) of a model, each made once."""
    batch = choose_batch(PLAYS, np.random.default_rng(0), size)
    model = build_model(name, PLAYS, np.random.default_rng(1), factors, layers)
    loss, optimizer = MODELS[name][0](), MODELS[name][1](0.1)
    trace = trace_step(model, loss, optimizer, batch.users, batch.items, batch.labels)
    return trace, build_page(trace, model, loss, optimizer, batch, steps=steps)


@pytest.fixture
def neumf():
    return make("neumf")


def run(driver, script):
    return driver.execute_script(STEPPER + script)


def part(driver, name):
    return driver.find_element("css selector", f"[data-part='{name}']")


def keys():
    return pytest.importorskip("selenium.webdriver.common.keys").Keys


def point_at(driver, element):
    chains = pytest.importorskip("selenium.webdriver.common.action_chains")
    chains.ActionChains(driver).move_to_element(element).perform()


def select_bug(driver, name):
    select = pytest.importorskip("selenium.webdriver.support.select").Select
    select(part(driver, "bug")).select_by_value(name)


def find(trace, box, name):
    return next(r for r in trace.records if (r.box, r.name) == (box, name))


HARVEST = """
const text = (name) => stepper.part(name).textContent;
const seen = [];
for (const [stop, { records }] of stepper.view.stops.entries()) {
  stepper.go(stop);
  records.forEach((number, k) => {
    stepper.part("lines").children[k].click();
    seen.push({
      number, box: text("box"), code: text("source"), place: text("place"),
      numbers: text("numbers"), check: text("check"), said: text("said"), why: text("why"),
      cells: [...document.querySelectorAll(".result tbody td")].map((cell) => cell.textContent),
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


def as_text(formula):
    """A line of a record as the text of the page: indices and exponents are raised or lowered."""
    return re.sub(r"_([GMui])(?![a-z])", r"\1", formula).replace("phi", "φ").replace("**", "")


@pytest.mark.parametrize("name", MODELS)
def test_every_step_shows_numpys_numbers_and_says_why(show, name):
    trace, page = make(name)
    seen = run(show(page), HARVEST)
    assert [one["number"] for one in seen] == list(range(len(trace.records)))
    story = texts()["story"]
    for record, one in zip(trace.records, seen, strict=True):
        assert (one["box"], one["code"]) == (record.box, record.code)
        assert one["place"] == f"{record.file}:{record.line}"
        assert [plain(cell) for cell in one["cells"]] == [
            short(x) for x in record.value.reshape(-1)
        ]
        numbers = f"= {record.source() or record.worked()} = {short(record.value[record.entry])}"
        assert plain(one["numbers"]).endswith(as_text(numbers))
        assert ("✓" in one["check"]) == (record.numerical is not None and record.n_checked > 0)
        why = story[record.function]["why"][record.name]["en"].replace("`", "")
        assert one["why"] == why
        assert one["said"].startswith("step ")
        assert record.text in one["said"]
        assert why in one["said"]


def test_keys_buttons_slider_and_play(show, neumf):
    driver = show(neumf[1])
    key = keys()
    body = driver.find_element("tag name", "body")
    count = part(driver, "count")
    assert count.text == "1 / 34"
    body.send_keys(key.ARROW_RIGHT, key.ARROW_RIGHT, key.ARROW_LEFT)
    assert count.text == "2 / 34"
    body.send_keys("r")
    assert part(driver, "phase").text == "Backward"
    assert count.text == "13 / 34"
    body.send_keys(key.END)
    assert count.text == "34 / 34"
    assert part(driver, "next").get_attribute("aria-disabled") == "true"
    part(driver, "to-forward").click()
    assert part(driver, "back").get_attribute("aria-disabled") == "true"
    part(driver, "next").click()
    assert count.text == "2 / 34"
    part(driver, "slider").send_keys(key.ARROW_RIGHT)
    assert count.text == "3 / 34"
    part(driver, "play").click()
    assert part(driver, "play").text == "Pause"
    part(driver, "play").click()
    assert part(driver, "play").text == "Play"


def test_a_box_whose_name_holds_a_dot_opens(show, neumf):
    driver = show(neumf[1])
    run(driver, "stepper.go(stepper.view.firstOf('backward'))")
    for box in ("GMF branch, eq. 8", "Output, eq. 12", "Embeddings", "dense1", "optimizer"):
        run(driver, f"stepper.graph.boxes['{box}'].element.click()")
        assert part(driver, "box").text == box
        assert run(driver, "return stepper.root.querySelector('.box.active').textContent")
        assert part(driver, "phase").text == ("Update" if box == "optimizer" else "Backward")


def test_pointing_at_a_gradient_shows_where_it_comes_from(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = find(trace, "dense1", "dW")
    run(driver, f"stepper.go({dW.stop})")
    cell = "figure.result tbody tr:nth-child(4) td:nth-of-type(3)"
    point_at(driver, driver.find_element("css selector", cell))
    assert plain(part(driver, "numbers").text).replace("\n", " ") == (
        f"dW[3, 2] = {dW.worked((3, 2))} = {short(dW.value[3, 2])}"
    )
    x, dy = dW.holes["self.x[b,i]"].array, dW.holes["dy[b,o]"].array
    lit = [plain(c.text) for c in driver.find_elements("css selector", ".arrays td.part")]
    assert lit == [short(v) for v in [*x[:, 3], *dy[:, 2]]]  # column 3 of x and column 2 of dy


def test_the_rest_of_a_long_sum_opens(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = find(trace, "dense1", "dW")
    run(driver, f"stepper.go({dW.stop})")
    numbers = part(driver, "numbers")
    assert "… 3 more" in numbers.text
    driver.find_element("css selector", ".more").send_keys(keys().ENTER)
    assert numbers.text.count("×") == 6  # of the six pairs
    assert driver.switch_to.active_element.tag_name == "table"


def test_pointing_at_an_operand_shows_where_it_acts_and_enter_leads_to_where_it_was_made(
    show, neumf
):
    trace, page = neumf
    driver = show(page)
    dx = find(trace, "dense2", "dx")
    run(driver, f"stepper.go({dx.stop}); stepper.goToLine(2)")
    dy = driver.find_element("css selector", "figure.op0")
    point_at(driver, dy.find_element("css selector", "tbody tr:nth-child(3) td:nth-of-type(2)"))
    value = dx.holes["dy[b,o]"].array[2, 1]
    assert plain(part(driver, "numbers").text) == f"dy[2, 1] = {short(value)}"
    lit = driver.find_elements("css selector", "figure.result td.part")
    assert [plain(c.text) for c in lit] == [short(v) for v in dx.value[2]]  # the same pair
    origin = trace.records[dx.holes["dy[b,o]"].origin]
    assert f"{origin.name} of step {origin.stop + 1}, {origin.box}" in part(driver, "check").text
    key = keys()
    dy.find_element("tag name", "table").send_keys(key.ARROW_DOWN, key.ARROW_RIGHT, key.ENTER)
    assert part(driver, "box").text == origin.box
    assert part(driver, "numbers").text.startswith("dx[1, 1] = ")


def test_an_operand_names_the_step_it_comes_from(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = find(trace, "dense1", "dW")
    run(driver, f"stepper.go({dW.stop})")
    link = driver.find_element("css selector", "figure.op1 .origin")
    relu = find(trace, "relu1", "dx")
    assert link.text == f"= dx of step {relu.stop + 1}, relu1"
    link.click()
    assert part(driver, "count").text == f"{relu.stop + 1} / 34"


def test_arrow_keys_move_over_a_table(show, neumf):
    trace, page = neumf
    driver = show(page)
    key = keys()
    dW = find(trace, "dense1", "dW")
    run(driver, f"stepper.go({dW.stop})")
    table = driver.find_element("css selector", "figure.result table")
    table.send_keys(*[key.ARROW_UP] * 9, *[key.ARROW_LEFT] * 9, key.ARROW_DOWN)
    assert part(driver, "numbers").text.startswith("dW[1, 0] = ")
    assert part(driver, "count").text.startswith(f"{dW.stop + 1} ")


def test_the_scatter_add_is_drawn(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = find(trace, "item_embedding", "dW")
    run(driver, f"stepper.go({dW.stop})")
    paths = driver.find_elements("css selector", ".flow path")
    hits = {
        (int(p.get_attribute("data-batch")), int(p.get_attribute("data-target"))) for p in paths
    }
    rows = dW.rows.tolist()
    assert hits == {(b, rows.index(item)) for b, item in enumerate(trace.items)}
    assert len(driver.find_elements("css selector", ".flow path.twice")) == 2
    note = part(driver, "note").text
    assert "is in the batch 2 times" in note
    assert "The naive dW[ids] += dy would keep" in note


def test_rows_of_a_table_have_the_name_and_the_number_of_the_row(show, neumf):
    trace, page = neumf
    driver = show(page)
    heads = driver.find_elements("css selector", "figure.op0 tbody th")
    ids = PLAYS.user_ids
    expected = [f"user {ids[row]} [{row}]" for row in np.unique(trace.users)]
    assert [head.text for head in heads] == expected


def test_the_switch_shows_what_a_bug_would_give(show, neumf):
    trace, page = neumf
    driver = show(page)
    dW = find(trace, "item_embedding", "dW")
    run(driver, f"stepper.go({dW.stop})")
    select_bug(driver, "dropped-repeats")
    off = [plain(c.text) for c in driver.find_elements("css selector", "figure.result td.off")]
    item = np.bincount(trace.items).argmax()
    last = dW.holes["dy[b,k]"].array[trace.items == item][-1]  # all that the naive code keeps
    assert off == [short(x) for x in last]
    assert "8 of 40 entries compared fail" in part(driver, "check").text
    numbers = plain(part(driver, "numbers").text)
    kept = short(dW.holes["dy[b,k]"].array[trace.items == item][-1, dW.entry[1]])
    assert numbers.endswith(f"{short(dW.value[dW.entry])} but the planted line gives {kept}")
    assert "keeps only its last gradient" in part(driver, "bugline").text
    part(driver, "to-forward").click()
    assert f"It begins at step {dW.stop + 1}." in part(driver, "bugline").text


def test_what_follows_a_planted_bug_has_red_operands_and_boxes(show, neumf):
    trace, page = neumf
    driver = show(page)
    select_bug(driver, "product-rule")  # dp_G is wrong, dq_G is right
    dW = find(trace, "user_embedding", "dW")
    run(driver, f"stepper.go({dW.stop})")
    off = driver.find_elements("css selector", "figure.op0 td.off")
    assert len(off) == 6 * 4  # the GMF half of dy
    wrong = driver.find_elements("css selector", ".box.wrong .name")
    assert [name.text for name in wrong] == ["user_embedding", "Embeddings", "GMF branch, eq. 8"]


@pytest.mark.robustness  # takes seconds
def test_after_the_planted_line_the_arithmetic_is_that_of_the_wrong_numbers(show, neumf):
    """No right operand stands beside a wrong result: each line's formula gives what is shown."""
    driver = show(neumf[1])
    for bug in run(driver, "return Object.keys(stepper.view.data.bugs)"):
        run(driver, f"stepper.choose('{bug}')")
        for one in run(driver, HARVEST):
            numbers = plain(one["numbers"])
            made, _, shown = numbers.partition(" = ")[2].rpartition(" = ")
            shown, _, gives = shown.partition(" but the planted line gives ")
            if "..." in made or re.search(r"[A-Za-zφ]\w*\[", made) or "sqrt" in made:
                continue
            value = eval(made, {"exp": np.exp, "log": np.log, "max": max, "abs": abs})
            assert value == pytest.approx(float(shown), rel=2e-2, abs=2e-6), (bug, numbers)
            assert gives != shown


def test_the_training_view(show, neumf):
    driver = show(neumf[1])
    part(driver, "to-training").click()
    assert not part(driver, "step-view").is_displayed()
    run(driver, "stepper.training.go(3)")
    assert part(driver, "train-count").text == "step 3 of 5"
    assert len(driver.find_elements("css selector", "[data-part=points] circle")) == 5
    select_bug(driver, "flipped-sign")
    assert "every step goes uphill" in part(driver, "train-bug").text
    select_bug(driver, "")
    buttons = part(driver, "into").find_elements("tag name", "button")
    assert [button.text for button in buttons] == ["step 1", "step 2", "step 3", "step 5"]
    buttons[3].click()
    assert part(driver, "step-view").is_displayed()
    assert "step 5 of the training" in part(driver, "inside").text


def test_it_speaks_korean(show, neumf):
    driver = show(neumf[1])
    driver.find_element("css selector", "button[lang=ko]").click()
    for name in ("to-forward", "next", "why", "count"):
        assert part(driver, name).is_displayed()
    assert part(driver, "to-forward").text == "순전파"
    story = texts()["story"]["Embedding.forward"]["why"]["y"]["ko"]
    assert part(driver, "why").text == story
    assert driver.find_element("tag name", "main").get_attribute("lang") == "ko"


def test_another_trace_can_be_shown_and_nothing_is_left_behind(show, neumf):
    """What the playground builds on: one stepper, given data again and again, and removed."""
    driver = show(neumf[1])
    run(
        driver,
        """
        const data = structuredClone(stepper.view.data);
        stepper.go(9);
        data.arrays = data.arrays.map(({ s, v }) => ({ s, v: v.map(() => 7) }));
        stepper.show(data);
        """,
    )
    assert part(driver, "count").text == "10 / 34"
    assert {c.text for c in driver.find_elements("css selector", ".arrays tbody td")} == {"7"}
    assert run(
        driver,
        """
        stepper.remove();
        document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
        return [document.querySelector("main").children.length, stepper.stop];
        """,
    ) == [0, 9]


@pytest.mark.robustness  # takes seconds
def test_the_large_page_scrolls(show):
    trace, page = make(size=12, steps=0, factors=8, layers=(64, 32, 16, 8))
    driver = show(page)
    seen = run(driver, HARVEST)
    assert [len(one["cells"]) for one in seen] == [r.value.size for r in trace.records]
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
