"""The words of the field in text, messages and names; no sentence without end."""

import runpy

import pytest
from snippets import ROOT

PROSE = runpy.run_path(str(ROOT / "tools" / "prose.py"))


def test_no_word_of_the_list_is_left():
    assert list(PROSE["coined"]()) == []


def test_no_sentence_is_longer_than_forty_words():
    assert PROSE["long_sentences"](40) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Somebody walks it anew.", ["somebody", "walks", "anew"]),
        ("HR@10 is .903, not 0.903 or 1.903.", [".903"]),
        ("`walk` in code, [walk](walk.md) in a link", ["walk"]),
        ("ties against the positive", ["ties against"]),
        ("임베딩 표와 최적화기", ["임베딩 표", "최적화기"]),
        ("Walker walkthrough", []),
        ("it learns by\nheart", ["by heart"]),
    ],
)
def test_a_word_is_found_in_text_and_not_in_code(tmp_path, monkeypatch, text, found):
    (tmp_path / "a.md").write_text(f"{text}\n\n```sh\nwalk anew\n```\n", encoding="utf-8")
    monkeypatch.setitem(PROSE["texts"].__globals__, "ROOT", tmp_path)
    lines = list(PROSE["coined"]())
    assert len(lines) == len(found), lines
    for word in found:
        assert any(f"{word!r}" in line.lower() for line in lines), word


def test_a_word_is_found_over_the_end_of_a_line_of_code(tmp_path, monkeypatch):
    (tmp_path / "ncf_numpy").mkdir()
    (tmp_path / "ncf_numpy" / "a.py").write_text(
        '"""It learns by\nheart."""\n\nx = 1  # who had\n# what\n'
        'raise ValueError(f"say who had "\n    "what")\ny = ["who had", "what"]\n'
    )
    monkeypatch.setitem(PROSE["texts"].__globals__, "ROOT", tmp_path)
    assert [line.split(": ")[:2] for line in PROSE["coined"]()] == [
        ["ncf_numpy/a.py:1", "'by heart'"],
        ["ncf_numpy/a.py:4", "'who had what'"],
        ["ncf_numpy/a.py:6", "'who had what'"],
    ]


def test_a_name_is_found(tmp_path, monkeypatch):
    (tmp_path / "ncf_numpy").mkdir()
    (tmp_path / "ncf_numpy" / "a.py").write_text(
        "def walk_it(twin):\n    import ast\n    ast.walk\n"
    )
    monkeypatch.setitem(PROSE["texts"].__globals__, "ROOT", tmp_path)
    assert [line.split()[-1] for line in PROSE["coined"]()] == ["walk_it", "twin"]


def test_sentences_end_where_an_item_does():
    page = "# A title\n\nOne two. Three: four\n\n- five\n- six\n\n| a | b c |\n"
    found = [each.strip() for each in PROSE["sentences"](page) if each.strip()]
    assert found == ["A title", "One two.", "Three:", "four", "five", "six", "a", "b c"]
