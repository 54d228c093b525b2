"""One module per family of routes; each converts, calls one service, converts back."""
