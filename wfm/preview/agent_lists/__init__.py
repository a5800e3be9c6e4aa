"""Whom a list of agents names: a file or a pasted text, judged against the directory."""

from wfm.preview.agent_lists.lists import agent_list, pasted_list

__all__ = ["agent_list", "pasted_list"]
