"""One folder a screen: `model` holds what it shows as values, testable without a browser; its other files draw them."""
