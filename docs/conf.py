"""The documentation's build: `uv run --group docs sphinx-build -W -b html docs docs/_build/html`.

Nothing is fetched from a network, neither by the build nor by the pages: formulas are MathML, which browsers
draw by themselves, and the theme's fonts and scripts are copied. Cells of pages that start with a kernel
are executed; the notebooks of `examples/` come with their outputs.
"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

project = "twobytwo"
author = "The twobytwo developers"
copyright = author
release = metadata.version("twobytwo")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["_build", "data"]
# What language models are pointed to, beside the pages.
html_extra_path = ["../src/twobytwo/llms.txt"]
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "twobytwo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_math_renderer = "mathml"
# Pages without siblings need no list of them.
_ALONE = (
    "index",
    "tutorial",
    "which_question",
    "concepts",
    "reading_the_report",
    "plan_reference",
    "shell",
    "statements",
    "gallery",
    "reference",
    "glossary",
    "validation",
    "precision",
    "security",
)
html_sidebars = {page: [] for page in _ALONE}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_excludepatterns = ["examples/*"]
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_ipywidgets_js: dict[str, Any] = {}

# Copying an example leaves out its prompts and its output.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

autosummary_generate = True
autodoc_typehints = "none"
# Single backticks in docstrings name Python objects.
default_role = "py:obj"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


def setup(app: Any) -> None:
    """Register the renderer of formulas, bring the notebooks in and types into the reference."""
    # Sphinx does not look for modules beside this file.
    sys.path.insert(0, str(HERE))
    from parameter_types import add_types

    # Before numpydoc, which takes the docstring apart.
    app.connect("autodoc-process-docstring", add_types, priority=400)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    # Sphinx reads below its own folder only.
    examples = HERE / "examples"
    examples.mkdir(exist_ok=True)
    for notebook in sorted((HERE.parent / "examples").glob("*.ipynb")):
        shutil.copy2(notebook, examples)


def _inline(writer: Any, node: Any) -> None:
    _write(writer, node, "inline")


def _block(writer: Any, node: Any) -> None:
    _write(writer, node, "block")


def _write(writer: Any, node: Any, display: str) -> None:
    # Imported here: pytest reads this file for doctests, where Sphinx need not be installed.
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    formula = convert(node.astext(), display=display)
    writer.body.append(formula if display == "inline" else f'<div class="math-block">{formula}</div>')
    raise SkipNode
