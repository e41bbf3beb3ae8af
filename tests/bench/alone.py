"""Runs a command and says as JSON what it said, how many seconds it took, and how many bytes of memory at most.

This process holds nothing: on Linux, a child's peak is at least that of the process which started it.
"""

import json
import os
import subprocess
import sys
import time

began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
assert process.stdout
said = process.stdout.read().decode()
_, status, used = os.wait4(process.pid, 0)
seconds = time.perf_counter() - began
print(json.dumps({"said": said, "seconds": seconds, "bytes": used.ru_maxrss * 1024}))
sys.exit(os.waitstatus_to_exitcode(status))
