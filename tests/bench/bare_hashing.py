"""What verifying is measured against: a loop that hashes each line of an archive's events and promises nothing."""

import hashlib
import struct
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    events = archive.getinfo("events.ndjson")
with open(sys.argv[1], "rb") as file:
    # It is stored as it is, behind a header that tells how long name and extra field are.
    file.seek(events.header_offset + 26)
    file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
    left = events.file_size
    for line in file:
        left -= len(line)
        hashlib.sha256(line).digest()
        if left <= 0:
            break
