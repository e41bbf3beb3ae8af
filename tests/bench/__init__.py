"""``make bench``: figures beside their floors, each ratio taken in one run on this machine; docs/performance.md."""
