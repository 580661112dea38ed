"""A scan as one writes it first with Django and DRF: what the plain action is measured beside.

It decides less than the real one (no device, no place, no rotation, no roster on a date) and asks row by row through
the ORM. How many of these a machine does says how fast it is at Django, as `pgbench` says how fast at the statement.
"""
