"""The demo campus: two schools that look lived in. Never in production."""
