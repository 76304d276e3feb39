"""Commands of the decisions room."""
