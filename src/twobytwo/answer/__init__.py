"""From a question and a table to an answer: orchestration, statement, plans, stored results."""
