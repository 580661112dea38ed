"""Tables as files: what a cell may hold, and how CSV and XLSX are written without holding a table in memory."""
