"""What the page says: every line has its reason in both languages, every link leads somewhere."""

import re
from pathlib import Path

import pytest
from test_trace import COMBINATIONS, trace_of

import ncf_numpy
from ncf_numpy.learn.bugs import BUGS
from ncf_numpy.learn.stepper.formulas import FORMULAS
from ncf_numpy.learn.stepper.texts import texts

ASSETS = Path(ncf_numpy.__file__).parent / "learn" / "stepper" / "assets"
BACKPROP = Path(ncf_numpy.__file__).parents[1] / "docs" / "explanation" / "backprop.md"


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_every_record_has_a_reason_in_both_languages(combination):
    for record in trace_of(*combination, numerical=False).records:
        why = texts()["story"][record.function]["why"][record.name]
        assert set(why) == {"en", "ko"}
        assert re.search("[가-힣]", why["ko"])
        assert not re.search("[가-힣]", why["en"])


def test_no_reason_is_left_over():
    names = {}
    for combination in COMBINATIONS:
        for record in trace_of(*combination, numerical=False).records:
            names.setdefault(record.function, set()).add(record.name)
    # no model of the stepper has the probabilities of a Sigmoid without BinaryCrossEntropy
    assert {
        function: set(chapter["why"]) for function, chapter in texts()["story"].items()
    } == names


def test_a_reason_is_one_or_two_short_sentences():
    for chapter in texts()["story"].values():
        for why in chapter["why"].values():
            assert len(why["en"]) <= 170
            assert why["en"].endswith(".")


def test_each_section_is_one_of_backprop():
    headings = re.findall(r"^## (\d+)\. (.+)$", BACKPROP.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {}
    for number, title in headings:
        slug = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        anchors[int(number)] = f"#{number}-{slug}"
    for function, chapter in texts()["story"].items():
        number, anchor = chapter["section"]
        assert anchors[number] == anchor, function


def test_what_has_formulas_has_a_story():
    with_formula = {
        function
        for function, lines in FORMULAS.items()
        if any(formula is not None for formula in lines.values())
    }
    assert with_formula == set(texts()["story"])


def test_every_word_is_there_in_each_language_with_the_same_places_to_fill():
    languages = set(texts()["languages"])
    for key, word in texts()["words"].items():
        assert set(word) == languages, key
        places = {frozenset(re.findall(r"\{(\w+)\}", text)) for text in word.values()}
        assert len(places) == 1, key
    assert set(texts()["bugs"]) == set(BUGS)


def test_every_word_is_said_somewhere_and_every_word_said_is_there():
    scripts = "".join(path.read_text(encoding="utf-8") for path in ASSETS.glob("*.js"))
    for key in texts()["words"]:
        parts = key.startswith("origin-") or key in ("forward", "loss", "backward", "update")
        assert parts or f'"{key}"' in scripts, key
    said = re.findall(r'say\("([\w-]+)"', scripts)
    said += re.findall(r'data-(?:word|label|title)="([\w-]+)"', scripts)
    assert set(said) <= set(texts()["words"])


def test_no_script_or_style_is_longer_than_400_lines():
    for path in [*ASSETS.glob("*.js"), *ASSETS.glob("*.css")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name
