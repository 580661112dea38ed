"""Writes of the audit trail."""
