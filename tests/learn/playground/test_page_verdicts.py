"""What the page says of code: where it is first wrong, and that it is right."""

import json

import pytest
import rewrites

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402

FUNCTIONS = ("Dense.back", "Embedding.back", "NeuMF.back", "BinaryCrossEntropyWithLogits.back")


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
