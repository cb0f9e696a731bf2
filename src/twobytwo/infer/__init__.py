"""From cells to draws of effects: priors, families, the PyMC model, sampling, decisions."""

# Before everything else: it looks for libraries that are not installed and, to say where it did so, walks
# through all modules that are loaded. After PyMC and SciPy that takes half a second, here next to nothing.
import arviz_base  # noqa: F401

from twobytwo.infer.engine.caches import writable_place

# Before any module of this folder imports PyMC, and by it PyTensor, which looks for its folder then.
writable_place()
