"""The playground as one pure function: a request of plain JSON in, a reply of plain JSON out.

    reply = answer({"step": {"model": "neumf"}, "edits": {"Dense.backward": "def backward(..."}})
    reply["first"]           # {"function": "Dense.backward", "line": 4, "name": "dx", ...} or None

Nothing of the machine is in a reply, and the core is as it was before: an edit is in place only
while its step runs.
"""

from .check import check
from .guard import guarded
from .judged_trace import judged_trace
from .prepare import prepare
from .tasks import catalogue, curves, exercise, hunt_reply


def trace(request):
    return judged_trace(prepare(request))


STEP = ("step", "edits")
TASKS = {  # what is wanted: its function, and what the request may say of it
    "trace": (trace, STEP),
    "check": (check, STEP),
    "curve": (curves, (*STEP, "steps")),
    "exercise": (exercise, ("number", "source")),
    "hunt": (hunt_reply, ("number", "guess")),
    "catalogue": (catalogue, ()),
}
NO_TRACE = {"value": None, "first": None, "findings": [], "view": None}


def answer(request):
    """The reply to a request; what is wrong with the request or the code is in the reply, too.

    request: {"want": one of TASKS, "trace" if it is not said, ...}:
    trace, check, curve: "step": settings as in `step.DEFAULTS`; "edits": {function: its text}, and
    under "layer" the text of a layer of the learner's own, for the class that
    step["replaces"] names; for curve also "steps". exercise: "number" and "source". hunt: "number",
    and perhaps "guess", such as "layers.py:98". catalogue: nothing more.

    reply: {"error": {"function", "line", "message"} or None, "output": what was printed}, and of a
    trace "value", the loss, "first", the first wrong value or None, "findings" and "view", the data
    of the page; of the others see their functions.
    """
    is_trace = isinstance(request, dict) and request.get("want", "trace") == "trace"
    return (NO_TRACE if is_trace else {}) | guarded(lambda: asked(request))


def asked(request):
    if not isinstance(request, dict):
        raise ValueError(f"a request must be an object, got {request!r}")
    want = request.get("want", "trace")
    if not isinstance(want, str) or want not in TASKS:
        raise ValueError(f"want must be one of {', '.join(TASKS)}; got {want!r}")
    task, known = TASKS[want]
    for name in request:
        if name not in ("want", *known):
            there_are = ", ".join(known) or "nothing more"
            raise ValueError(f"a request for {want} has no {name!r}; it may have {there_are}")
    for name in STEP:
        if not isinstance(request.get(name, {}), dict):
            raise ValueError(f"{name} must be an object, got {request[name]!r}")
    return task(request)
