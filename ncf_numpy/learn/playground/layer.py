"""A layer of the learner's own: a class with forward, backward and parameters, as the core's are.

    layer = OwnLayer("class Softplus:\\n    ...")
    with layer.in_place_of("ReLU"):
        model = NeuMF(...)               # each ReLU of it is a Softplus

It is built with the arguments that the core gives to the layer in whose place it stands.
"""

import ast
import contextlib
import inspect

from ...core import layers, models
from ...core.losses import BinaryCrossEntropy
from .edits import Edit, EditError, execute, parse

PLACE = "layer"  # the key of its text among the edits
REPLACED = ("ReLU", "Dense", "Embedding", "Bias", "Sigmoid")
METHODS = ("forward", "backward", "parameters")
EXAMPLE = '''\
class Softplus:
    """y = log(1 + e^x): a ReLU without a kink. Its backward is not right yet."""

    def forward(self, x):
        self.x = x
        self.y = np.logaddexp(0, x)
        return self.y

    def backward(self, dy):
        dx = dy
        return dx

    def parameters(self):
        return []
'''


class OwnLayer:
    """A learner's text of a layer, compiled. `methods` has an edit for its forward and backward.

    Raises EditError, with a line of the text, for what is no Python, no layer, or fails at once.
    """

    def __init__(self, text):
        self.text, self.tree = text, parse(PLACE, text)
        self.cls = self.define(self.tree)
        self.name = self.cls.__name__
        own = [method for method in ("forward", "backward") if method in vars(self.cls)]
        self.methods = {method: Method(self, method) for method in own}

    def define(self, tree, **more):
        """The class that a syntax tree of the text defines, the last one of those at its top."""
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        if not classes:
            raise EditError(PLACE, 1, "the text must define a class, as `class Softplus:` does")
        last = classes[-1]
        if hasattr(layers, last.name) or hasattr(models, last.name):
            message = f"{last.name} is a name of the core: give your class another one"
            raise EditError(PLACE, last.lineno, message)
        cls = execute(PLACE, tree, {**vars(layers), **more})[last.name]
        for method in METHODS:
            if not inspect.isfunction(getattr(cls, method, None)):
                message = f"{last.name} needs a method {method}: a layer has {', '.join(METHODS)}"
                raise EditError(PLACE, last.lineno, message)
        return cls

    @contextlib.contextmanager
    def in_place_of(self, replaced):
        """While the block runs, models are built with this class in the place of a core's."""
        saved = getattr(models, replaced)
        try:
            setattr(models, replaced, self.cls)
            yield
        finally:
            setattr(models, replaced, saved)

    def is_used(self, model, loss, texts):
        """Whether it takes part in a step: it is a layer of the model, or a text names it."""
        parts = [layer for _, layer in model.layers()]
        if isinstance(loss, BinaryCrossEntropy):
            parts.append(model.sigmoid)
        names = [node.id for tree in texts for node in ast.walk(tree) if isinstance(node, ast.Name)]
        return any(isinstance(layer, self.cls) for layer in parts) or self.name in names


class Method(Edit):
    """One method of an own layer, as an edit of a function is."""

    def __init__(self, layer, method):
        self.layer, self.method, self.place = layer, method, PLACE
        self.function, self.text = f"{layer.name}.{method}", layer.text
        self.tree, self.replaced = layer.tree, {}
        self.compiled = vars(layer.cls)[method]

    def define(self, tree, **more):
        return vars(self.layer.define(tree, **more))[self.method]
