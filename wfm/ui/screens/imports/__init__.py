"""The Import runs screen: a file or a paste read into the history, with its columns."""
