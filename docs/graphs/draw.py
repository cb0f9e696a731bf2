"""Draw the graphs of the model pages: `uv run python docs/graphs/draw.py` (needs Graphviz's `dot`).

The pictures are committed, so that neither the build nor a reader needs Graphviz; `tests/test_docs.py` holds
them to the models.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def models() -> dict[str, Any]:
    """Build one small model of each kind; a graph does not depend on the data."""
    import twobytwo as tbt
    from twobytwo.infer.families import family_of
    from twobytwo.infer.model import build_model

    options = tbt.simulate.UserMinutes(n=2_000, seed=1)
    rows = tbt.simulate.user_minutes(options)
    about = {"outcome": "minutes", "group": "variant", "period": "period"}
    independent = tbt.compress(rows, tbt.Design.did(**about))
    pairs = tbt.compress(rows, tbt.Design.did(**about, unit="user_id", missing="drop"))
    zeros = rows.assign(minutes=rows["minutes"].where(rows["minutes"] > 5, 0))
    asked = {
        "hurdle_lognormal": (tbt.compress(zeros, tbt.Design.did(**about)), "hurdle_lognormal"),
        "tail": (independent, "tail"),
        "normal": (independent, "normal"),
        "pairs": (pairs, "normal"),
        "lognormal": (independent, "lognormal"),
        "student_t": (independent, "student_t"),
    }
    priors = tbt.Priors.of("default")
    return {name: build_model(cells, family_of(family), priors) for name, (cells, family) in asked.items()}


def graph(model: Any) -> Any:
    """Give PyMC's graph without the constants, which would hide the model behind its data."""
    import pymc as pm

    drawn = pm.model_to_graphviz(
        model, graph_attr={"rankdir": "LR", "bgcolor": "white", "fontname": "Helvetica"}
    )
    data = "|".join(re.escape(variable.name) for variable in model.data_vars)
    of_data = re.compile(rf"\s*(?:(?:{data}) \[|(?:{data}) -> |\S+ -> (?:{data})\s)")
    drawn.body = [line for line in drawn.body if not of_data.match(line)]
    return drawn


def main() -> None:
    """Write one SVG a model beside this file."""
    for name, model in models().items():
        drawn = graph(model)
        drawn.node_attr.update(fontname="Helvetica", fontsize="12", fillcolor="#cfe3f3")
        # Graphviz stamps its version into the file.
        svg = re.sub(r"<!--.*?-->\n?", "", drawn.pipe(format="svg", encoding="utf-8"), flags=re.DOTALL)
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
