"""The Settings screen: the connection, people, retention and versions."""
