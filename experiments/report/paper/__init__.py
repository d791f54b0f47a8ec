"""The paper: its text with every number, table and figure taken from one run, compiled by Typst."""
