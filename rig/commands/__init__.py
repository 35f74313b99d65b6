"""One module per command of `fieldstack`: its parser and what it does."""
