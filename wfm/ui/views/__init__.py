"""What the history screens show, as values: testable without a browser. pages/ draw it."""
