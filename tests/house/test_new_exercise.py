"""A new exercise is its solution, one file: it is then listed, written, judged and in the page."""

TOY = '''"""Exercise 13: the square, y = x^2.

The derivative of x^2 is 2 x.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

rng = np.random.default_rng(0)
x, dy = rng.normal(size=5), rng.normal(size=5)  # (B,), (B,)

y = x**2  # answer: (B,)
# hint: Element by element.
# hint: x times x.
check("y", y)
dx = 2 * x * dy  # answer: (B,)
# hint: What is the derivative of x^2?
# hint: 2 x, and the chain rule multiplies by dy.
# mistake: 3 * x * dy -> 3 is the factor of a cube
check("dx", dx)
print("Exercise 13 solved.")
'''
RUN = """
from pathlib import Path
from ncf_numpy.__main__ import main
from ncf_numpy.learn.exercises import judge
from ncf_numpy.learn.playground.answer import answer

def show(*words):
    print(main(["exercise", *words]))

show()
show("13")
file = Path("exercises/13_square.py")
blank = file.read_text(encoding="utf-8")
file.write_text(blank.replace("y = ...", "y = x**2").replace("dx = ...", "dx = 3 * x * dy"))
show("13", "--hint", "2")
file.write_text(file.read_text().replace("3 * x", "2 * x"))
show("13")
show("--report", "report.json")
show("13", "--solution")
print(judge(13, blank).name, answer({"want": "catalogue"})["exercises"][-1]["title"])
print(answer({"want": "exercise", "number": 13, "source": file.read_text()})["solved"])
"""


def test_a_toy_is_listed_written_judged_hinted_at_solved_and_in_the_playground(run_in_a_copy):
    done = run_in_a_copy("learn/exercises/solutions/13_square.py", TOY, RUN)
    out, err = done.stdout, done.stderr
    assert "13   0 of  2 filled in  exercises" in out
    assert "y  is missing" in err.replace("`", "") or "is missing: it is still" in err
    assert "3 is the factor of a cube" in err and "2 x, and the chain rule" in err
    assert "# hint" not in out and "dx = 2 * x * dy  # answer: (B,)" in out
    assert "Exercise 13 solved." in out and "1 of 13 solved" in out
    assert out.splitlines()[-2:] == ["y Exercise 13: the square, y = x^2", "True"]
