"""Docstrings of what users call have NumPy's sections, and these say what the signature says.

The core has its own form: formula, shapes and source, in lines that end on purpose.
"""

import dataclasses
import importlib
import inspect
import re

import pytest

import ncf_numpy
import ncf_numpy.datasets

# What users call besides what `ncf_numpy` and `ncf_numpy.datasets` export.
FURTHER = {
    "data.own_test": "with_own_test",
    "data.sampling": "PairIndex count_batches",
    "evaluation.baselines": "Baseline",
    "evaluation.catalogue": "Catalogue",
    "evaluation.comparison": "confidence_interval",
    "evaluation.measures": "per_list",
    "evaluation.metrics": "rank_positives hit_ratio ndcg mrr",
    "evaluation.ranking": "evaluate_catalogue rank_in_catalogue",
    "evaluation.top_k": "top_k largest",
    "learn.bugs": "planted",
    "learn.stepper.page": "build_page",
    "learn.stepper.trace": "trace_step",
    "plots": "training_curves comparison_bars error_against_step check_file",
    "recommender.explain": "Explanation",
    "recommender.fold_in": "FoldedUser",
    "recommender.report": "Report",
    "recommender.vectors": "vectors similarities nearest",
    "safe_file": "read_file write_file",
    "to_torch.export": "to_torch from_torch",
    "training.blas_threads": "blas_threads",
    "training.checkpoint": "save_checkpoint load_checkpoint",
    "training.factorisation": "logistic_mf bpr_mf",
    "training.objectives": "Pointwise FromCatalogue Pairwise",
    "training.pretraining": "pretrain",
}
# What other parts of the package ask for; one line with shapes says it.
FOR_THE_PACKAGE = {
    "Baseline": {"scores", "shapes", "contributions"},
    "RowAdam": {"settings", "state"},
    "Trainer": {"train_epoch", "validate", "copy_weights", "describe_divergence"},
    "Pointwise": {"make_sampler", "describe", "right"},
}
SECTION = re.compile(r"^(\w+)\n-{4,}$", re.MULTILINE)
ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \w+)*)(?: : .*)?$", re.MULTILINE)


def everything():
    """(path, function or class) of all that users call, outside of the core."""
    for package in (ncf_numpy, ncf_numpy.datasets):
        for name in package.__all__:
            member = getattr(package, name)
            if callable(member) and ".core." not in member.__module__:
                yield name, member
    for module, names in FURTHER.items():
        for name in names.split():
            yield name, getattr(importlib.import_module(f"ncf_numpy.{module}"), name)


def functions():
    """{path: (function, docstring)} of functions, and of the public methods of classes."""
    found = {}
    for path, member in everything():
        if not inspect.isclass(member):
            found[path] = member, inspect.getdoc(member)
            continue
        bases = [base.__name__ for base in member.__mro__]
        left_out = set().union(*(FOR_THE_PACKAGE.get(name, ()) for name in bases))
        for name in dir(member):
            method = inspect.getattr_static(member, name)
            method = getattr(method, "__func__", method)
            if inspect.isfunction(method) and not (name.startswith("_") or name in left_out):
                found[f"{path}.{name}"] = (
                    method,
                    documented(member, lambda c, n=name: vars(c).get(n)),
                )
    return found


def documented(owner, of_class=lambda c: c):
    """The nearest docstring with sections, of a class and its bases: overrides need not repeat."""
    docs = [inspect.getdoc(each) or "" for each in map(of_class, owner.__mro__[:-1]) if each]
    return next(filter(SECTION.search, docs), docs[0])


def sections(doc):
    """{title: text} of NumPy's sections."""
    _, *parts = SECTION.split(doc)
    return dict(zip(parts[::2], parts[1::2]))


def entries(text):
    """The names that a section of parameters names."""
    return [name for names in ENTRY.findall(text) for name in names.replace("*", "").split(", ")]


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


FUNCTIONS = functions()
CLASSES = {path: member for path, member in everything() if inspect.isclass(member)}


def test_sections_and_entries_are_found():
    given = "Parameters\n----------\na, b : int\n    As of x.\n*c\n    More."
    doc = f"Sum.\n\n{given}\n\nReturns\n-------\nint"
    assert entries(sections(doc)["Parameters"]) == ["a", "b", "c"]
    assert sections(doc)["Returns"].strip() == "int"
    assert len(FUNCTIONS) > 90 and len(CLASSES) > 20


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_function_names_its_parameters_and_what_it_returns(path):
    function, doc = FUNCTIONS[path]
    found = sections(doc)
    assert entries(found.get("Parameters", "")) == parameters(function)
    returned = inspect.signature(function).return_annotation
    assert returned is not inspect.Signature.empty, "no type says what it returns"
    assert ("Returns" in found or "Yields" in found) == (returned != "None")


@pytest.mark.parametrize("path", CLASSES)
def test_a_class_names_the_parameters_of_its_constructor(path):
    member = CLASSES[path]
    found = sections(documented(member))
    title = "Parameters"
    if dataclasses.is_dataclass(member) and title not in found:
        title = "Attributes"
    assert entries(found.get(title, "")) == parameters(member)
