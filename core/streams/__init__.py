"""Pushing what changed to open pages (server-sent events), for any app that has a topic to watch.

`hints` listens for announcements (`core.live`), `hub` turns them into one reading for any number of streams,
`sse` is the format, `threads` does the database work of an asynchronous process.
"""
