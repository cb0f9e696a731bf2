"""From a PyMC model to posterior draws: one compiled density for all models of one structure."""
