"""A Genesys tenant in a process: people, schedules, access, faults and scenarios over real HTTP on loopback.

`python -m wfm.demo` serves it. See docs/demo-tenant.md.
"""

from wfm.demo.server import serve

__all__ = ["serve"]
