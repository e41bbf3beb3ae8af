"""``make chaos``: all is killed, frozen and doubled while work is under way; docs/faults.md tells what is tried."""
