"""What is asked, before any data: metric, factors, design, contrasts."""
