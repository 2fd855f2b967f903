"""One module for each verb; ``commands`` has the table."""
