"""From cells to draws of effects: priors, families, the PyMC model, sampling, decisions."""

from twobytwo.infer.engine.caches import writable_place

# Before any module of this folder imports PyMC, and by it PyTensor, which looks for its folder then.
writable_place()
