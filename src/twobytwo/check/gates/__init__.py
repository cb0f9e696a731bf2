"""Every check of an answer, by what a refusal of it is about; a run imports those that it makes."""
