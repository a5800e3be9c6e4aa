"""What `make bench` runs: figures of the whole desk against the demo tenant, beside their aims."""
