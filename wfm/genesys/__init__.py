"""The Platform API over HTTP: regions, OAuth, transport, pacing, errors, bulk reads with caches."""
