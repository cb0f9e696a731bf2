"""Any table becomes a table of cells: opened, judged, paired, compressed."""
