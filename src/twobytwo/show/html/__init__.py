"""An analysis as HTML: a page for who has to decide, and what a notebook shows."""
