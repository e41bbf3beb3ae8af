"""KooDrive's business codes, in words for the people who meet them.

Its error tables say "contact support" for many of them; the advice here says what to look at first.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BusinessCode:
    """``message`` is KooDrive's own short text; ``meaning`` and ``advice`` are one sentence each."""

    code: str
    message: str
    meaning: str
    advice: str


_SUPPORT = "Try it again later, and ask KooDrive's support if it stays."

_TABLE = [
    ("0", "success", "KooDrive took the request.", "There is nothing to do."),
    ("13000101", "Bad Request", "KooDrive could not make sense of the request.", "Check every field and submit anew."),
    (
        "13000102",
        "Verify parameters failed.",
        "A field of the request has a value that KooDrive does not take.",
        "Check the ids and the kind of operation, then submit anew.",
    ),
    (
        "13000201",
        "inner server invoke failure",
        "A service within KooDrive failed while it handled the request.",
        "Look in KooDrive whether anything was done before you submit anew.",
    ),
    (
        "13000301",
        "Space not found.",
        "There is no such space, or it is not in order.",
        "Check the ids of the source and the target space.",
    ),
    (
        "13000302",
        "File is not in the specified space.",
        "A file does not lie in the space that the request names.",
        "Check in which space the file lies and name that one.",
    ),
    (
        "13000303",
        "Not in the recycle bin, operation refused.",
        "A file was to be taken from the recycle bin but is not in it.",
        "Leave the file out, or move it to the recycle bin first.",
    ),
    (
        "13000304",
        "Target directory is abnormal.",
        "The target folder is not in order.",
        "Check the target folder's id or choose another folder; if it looks right, ask KooDrive's support.",
    ),
    (
        "13000305",
        "Target directory is in the recycle bin.",
        "The target folder lies in the recycle bin.",
        "Restore the folder first, or choose another one.",
    ),
    ("13000306", "File is in the recycle bin.", "A file lies in the recycle bin.", "Restore the file first."),
    (
        "13000307",
        "Nested directories.",
        "A folder was to go into itself or into a folder below it.",
        "Choose a target that does not lie inside the folder.",
    ),
    ("13000308", "File metadata error.", "What KooDrive knows about a file is not in order.", _SUPPORT),
    (
        "13000309",
        "Resource not found.",
        "Something that the request names does not exist, or no longer does.",
        "Check the ids; the file may have been deleted meanwhile.",
    ),
    (
        "13000310",
        "Max. levels exceeded.",
        "The folders would lie deeper than KooDrive allows.",
        "Choose a target that lies higher, or take a level of folders out.",
    ),
    (
        "13000311",
        "Insufficient space.",
        "The target space is full.",
        "Free some room (the recycle bin counts), or have an administrator enlarge the space.",
    ),
    (
        "13000312",
        "File already in the target folder.",
        "The file already lies in the target folder.",
        "There is nothing to do, unless you meant another folder.",
    ),
    ("13000401", "Upload task not found.", "KooDrive does not know the upload.", "Upload the file again."),
    (
        "13000402",
        "File upload incomplete.",
        "A file was not uploaded whole.",
        "Upload the file again, then submit anew.",
    ),
    (
        "13000403",
        "Change file status failed.",
        "KooDrive could not change the state of a file.",
        "Look in KooDrive where the file is before you submit anew.",
    ),
    (
        "13000404",
        "Parent directory is in the recycle bin.",
        "The folder that holds the file lies in the recycle bin.",
        "Restore that folder first.",
    ),
    (
        "13000405",
        "Duplicate file name.",
        "The target folder already has a file of that name.",
        "Rename one of the two files, or choose another folder.",
    ),
    (
        "13000406",
        "This operation cannot be performed on the folder.",
        "The operation is for files, but the request names a folder.",
        "Name the files in the folder instead.",
    ),
    ("13000407", "File download address not found.", "KooDrive has no address to load the file from.", _SUPPORT),
    ("13000408", "Download file failed.", "KooDrive could not load the file.", _SUPPORT),
    ("13000409", "Upload file failed.", "KooDrive could not store the file.", _SUPPORT),
    (
        "13000410",
        "No permission on the space.",
        "The account that the portal uses has no right to the space.",
        "Ask the owner of the space to give the portal's account the right.",
    ),
    (
        "13000411",
        "File is not in the space.",
        "A file does not lie in the space that the request names.",
        "Check in which space the file lies and name that one.",
    ),
    (
        "13000412",
        "Space not active.",
        "The space has not been activated.",
        "Have an administrator of KooDrive activate the space.",
    ),
    ("13000413", "Search type not supported.", "KooDrive does not know this kind of search.", _SUPPORT),
    ("13000414", "Search type blank.", "The kind of search is missing.", _SUPPORT),
    (
        "13000415",
        "Space does not match the team.",
        "The space does not belong to the team.",
        "Check which team the space belongs to.",
    ),
    (
        "13000417",
        "File name: Max. 250 characters.",
        "A file name is longer than the 250 characters that KooDrive takes.",
        "Shorten the name in KooDrive, then submit anew.",
    ),
]

CODES: Mapping[str, BusinessCode] = {row[0]: BusinessCode(*row) for row in _TABLE}


def explain(code: str | None) -> BusinessCode | None:
    """What is known about a code that KooDrive gave; None for a code of no table."""
    return CODES.get(code or "")
