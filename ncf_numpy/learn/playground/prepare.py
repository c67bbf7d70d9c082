"""The step of a request, built and ready to run with the learner's texts in place."""

import contextlib
import inspect
from dataclasses import dataclass

from ...core import layers
from .edits import Edit, EditError, lines_passed, planted
from .layer import PLACE, REPLACED, OwnLayer
from .step import Step, build_step, choose


@dataclass
class Prepared:
    """A step and the texts that take part in it."""

    step: Step
    edits: list  # of Edit
    layer: OwnLayer | None


def prepare(request):
    """The `Prepared` step of a request's "step" and "edits".

    ValueError for a setting that cannot be, EditError for a text that cannot be taken, or that
    nothing would use.
    """
    settings, texts = request.get("step", {}), dict(request.get("edits", {}))
    layer = OwnLayer(texts.pop(PLACE)) if PLACE in texts else None
    replaced = settings.get("replaces")
    if replaced is not None:
        choose("replaces", replaced, REPLACED)
        if layer is None:
            raise ValueError(f"replaces is {replaced}, but edits has no {PLACE!r}: a class's text")
    names = {layer.name: layer.cls} if layer else {}
    with layer.in_place_of(replaced) if replaced else contextlib.nullcontext():
        edits = [Edit(function, text, names) for function, text in texts.items()]
        with planted(edits), taking_its_arguments(replaced):
            step = build_step(settings)
    if layer and not layer.is_used(step.model, step.loss, [edit.tree for edit in edits]):
        where = f"{type(step.model).__name__} with this loss runs no {replaced}"
        where = where if replaced else f"no code names {layer.name}"
        message = f"{where}: say by `replaces` which layer of the model it stands for"
        raise EditError(PLACE, None, message)
    return Prepared(step, edits, layer)


@contextlib.contextmanager
def taking_its_arguments(replaced):
    """Say how a layer is built, should it not take the arguments of the one it replaces."""
    try:
        yield
    except TypeError as error:
        if replaced is None or lines_passed(error.__traceback__):
            raise
        signature = inspect.signature(getattr(layers, replaced))
        message = f"{error}; it is built with the arguments of {replaced}{signature}"
        raise EditError(PLACE, None, message) from None
