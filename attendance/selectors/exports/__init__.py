"""What can be taken out as a file: who may take what, and where its rows come from."""
