"""From cells to draws of effects: priors, families, the PyMC model, sampling, decisions."""
