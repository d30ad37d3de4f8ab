"""What starting a session costs: `make bench`, and `make bench-check`."""
