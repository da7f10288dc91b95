"""Block data as nodes give it: answers, files, events, states."""
