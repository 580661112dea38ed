"""Benchmarks: what the site does per second, on real servers, beside what the bare database does.

`bin/bench --help` shows how to run them; docs/performance.md tells what they gave.
"""
