"""What the commands in bin/ are made of.

Only the standard library is imported here, because these modules run before anything is installed.
"""
