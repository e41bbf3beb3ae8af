#!/usr/bin/env python3
"""Checks an archive of the audit trail: with the standard library alone, without network, database or portal.

    python verify.py FILE.zip --key HEX [--key HEX ...] [--anchors FILE] [--log FILE]

The key is the sealer's public key, 64 hex digits, and must come from a place of your own, never from the archive.
Exit code 0: whole. 1: broken, the first bad event or seal is named. 2: it could not be checked.

What is checked: each seal's signature, the link to the seal before it, that ranges join, that the events within a range
are exactly those that were sealed, byte for byte, with anchors, that no seal was cut off or signed anew, and, with the
portal's log, that the events are those that were logged when they happened, before anything was sealed.
"""

import argparse
import bisect
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import cast

SEAL_FIELDS = ("n", "after", "upto", "count", "leaves", "prev", "time", "instance")
TITLE = "koodrive-portal audit seal v1"
WITHHELD = b'{"seq":%d,"leaf":"%s"}'
LOGGED = re.compile(rb'\{\s*"audit"\s*:\s*\{\s*"seq"\s*:\s*(\d{1,19})\s*,\s*"hash"\s*:\s*"([0-9a-f]{64})"')
CHECKSUM = b"sha256:%s"
CHECKSUM_BYTES = len(CHECKSUM % (b"0" * 64))


class Broken(Exception):
    """The trail is not what was sealed; the message names the first bad event or seal."""


class Unreadable(Exception):
    """It could not be checked; the message says why."""


@dataclass(frozen=True)
class Seal:
    """One seal: the text that was signed, and what stands in it."""

    text: str
    key_id: str
    signature: bytes
    n: int = 0
    after: int = 0
    upto: int = 0
    count: int = 0
    leaves: str = ""
    prev: str = ""

    @classmethod
    def read(cls, text: str, key_id: str, signature: bytes) -> "Seal":
        lines = text.split("\n")
        values = dict(line.partition(" ")[::2] for line in lines[1:] if line)
        if lines[0] != TITLE or set(values) != set(SEAL_FIELDS):
            raise Broken(f"A seal has another form than {TITLE!r}.")
        try:
            numbers = {name: int(values[name]) for name in ("n", "after", "upto", "count")}
        except ValueError as error:
            raise Broken("A seal holds something that is no number.") from error
        return cls(text, key_id, signature, leaves=values["leaves"], prev=values["prev"], **numbers)

    @property
    def head(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass
class Report:
    """What a whole trail amounts to."""

    seals: int = 0
    events: int = 0
    withheld: int = 0
    first: int = 0
    last_sealed: int = 0
    unsealed: int = 0
    anchored: int = 0
    logged: int = 0
    heads: dict[int, str] = field(default_factory=dict)
    is_part: bool = False


def leaf(line: bytes) -> bytes:
    """The hash of an event's exact line."""
    return hashlib.sha256(b"\0" + line).digest()


Event = tuple[int, bytes, bool]  # number, leaf, whether it is withheld
Verify = Callable[[bytes, bytes, bytes], bool]


def check(
    events: Iterable[Event],
    seals: Iterable[Seal],
    keys: Mapping[str, bytes],
    anchors: Mapping[int, str] | None = None,
    verify: Verify | None = None,
    *,
    log: Mapping[int, bytes] | None = None,
    is_part: bool = False,
) -> Report:
    """Checks events, in order, against their seals.

    ``keys`` are public keys by their id; ``verify`` may be a faster ``ed25519_verify``; ``log`` holds the leaves of
    events as they were logged. Unless this ``is_part`` of a trail, every seal must be there, from the first one on, and
    every event that was logged. Raises ``Broken``.
    """
    verify = verify or ed25519_verify
    report = Report()
    comparison = _Comparison(log or {})
    stream = _Events(comparison.watched(events) if log else events)
    before: Seal | None = None
    for seal in seals:
        _check_seal(seal, before, keys, verify)
        if not is_part and seal.n != (before.n if before else 0) + 1:
            raise Broken(f"Seal {(before.n if before else 0) + 1} is missing; the next one here is {seal.n}.")
        stream.check_range(seal, report)
        comparison.close(seal)
        report.seals += 1
        report.last_sealed = seal.upto
        report.heads[seal.n] = seal.head
        before = seal
    report.unsealed = stream.check_rest(report.last_sealed)
    report.events += report.unsealed
    # After the seals: what they find wrong was changed later than what only the log knows.
    report.logged = comparison.conclude(is_part=is_part)
    if anchors is not None:
        report.anchored = _check_anchors(report, anchors, is_part=is_part)
    return report


class _Events:
    """The events, each taken once, in order."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = iter(events)
        self._waiting: list[Event] = []  # read, and beyond the seals so far
        self._last = 0

    def check_range(self, seal: Seal, report: Report) -> None:
        """Takes the events that the seal closed, and no other ones."""
        leaves, count = hashlib.sha256(b"\1"), 0
        last, upto = max(self._last, seal.after), seal.upto
        waiting, self._waiting = self._waiting, []
        for event in chain(waiting, self._events):
            seq, digest, withheld = event
            if seq > upto:
                self._waiting = [event]
                break
            if seq <= last:
                raise Broken(f"Event {seq} stands where it doesn't belong, before seal {seal.n}.")
            leaves.update(digest)
            count += 1
            report.withheld += withheld
            report.first = report.first or seq
            last = seq
        self._last = last
        report.events += count
        if count != seal.count or leaves.hexdigest() != seal.leaves:
            raise Broken(
                f"The events after {seal.after} up to {seal.upto} are not those that seal {seal.n} closed: "
                f"{count} of {seal.count}, or one was changed."
            )

    def check_rest(self, last_sealed: int) -> int:
        """Takes what no seal has closed yet; how many events that are."""
        last, count = max(self._last, last_sealed), 0
        for seq, _, _ in chain(self._waiting, self._events):
            if seq <= last:
                raise Broken(f"Event {seq} stands where it doesn't belong.")
            last, count = seq, count + 1
        return count


class _Comparison:
    """Holds events against the log while they are read."""

    def __init__(self, log: Mapping[int, bytes]) -> None:
        self._left = dict(log)
        self._agreeing = 0
        self._differing: list[int] = []
        self._afters: list[int] = []
        self._uptos: list[int] = []

    def watched(self, events: Iterable[tuple[int, bytes, bool]]) -> Iterator[tuple[int, bytes, bool]]:
        for seq, digest, withheld in events:
            logged = self._left.pop(seq, None)
            if logged == digest:
                self._agreeing += 1
            elif logged is not None:
                self._differing.append(seq)
            yield seq, digest, withheld

    def close(self, seal: Seal) -> None:
        """From now on every event of the seal's range must have been there."""
        self._afters.append(seal.after)
        self._uptos.append(seal.upto)

    def conclude(self, *, is_part: bool) -> int:
        """How many events agree with the log; raises ``Broken`` at the first that doesn't."""
        if self._differing:
            raise Broken(
                f"Event {self._differing[0]} is not the one that was logged: it was changed before it was sealed."
            )
        for missing in sorted(self._left):
            if self._is_closed(missing):
                raise Broken(f"Event {missing} was logged and is missing: it was removed before it was sealed.")
            if not is_part:
                raise Broken(
                    f"Event {missing} was logged and is missing: it was removed, or the log is newer than this; then "
                    "take the lines up to its time only."
                )
        return self._agreeing

    def _is_closed(self, seq: int) -> bool:
        place = bisect.bisect_left(self._uptos, seq)
        return place < len(self._uptos) and self._afters[place] < seq


def _check_seal(seal: Seal, before: Seal | None, keys: Mapping[str, bytes], verify: Verify) -> None:
    key = keys.get(seal.key_id)
    if key is None:
        raise Broken(f"Seal {seal.n} was signed by key {seal.key_id}, which is none of those given.")
    if not verify(key, seal.text.encode(), seal.signature):
        raise Broken(f"The signature of seal {seal.n} is wrong.")
    if seal.upto < seal.after:
        raise Broken(f"Seal {seal.n} ends before it begins.")
    if seal.n == 1 and (seal.after, seal.prev) != (0, "0" * 64):
        raise Broken("Seal 1 is not the beginning.")
    if before is None:
        return
    if seal.n <= before.n:
        raise Broken(f"Seal {seal.n} follows seal {before.n}.")
    if seal.n == before.n + 1 and (seal.prev, seal.after) != (before.head, before.upto):
        raise Broken(f"Seal {seal.n} doesn't link to seal {before.n}.")
    if seal.after < before.upto:
        raise Broken(f"Seal {seal.n} overlaps seal {before.n}.")


def _check_anchors(report: Report, anchors: Mapping[int, str], *, is_part: bool) -> int:
    """How many of the anchors fit; raises ``Broken`` at the first that doesn't."""
    last = max(report.heads, default=0)
    fitting = 0
    for n, head in sorted(anchors.items()):
        if n > last and not is_part:
            raise Broken(
                f"The anchors know seal {n}, but the last one here is {last}: the end was cut off, or the anchors are "
                "newer than this; then take the lines up to its time only."
            )
        if n in report.heads and report.heads[n] != head:
            raise Broken(f"Seal {n} is not the one that was published: history was signed anew.")
        fitting += n in report.heads
    return fitting


def read_anchors(lines: Iterable[str]) -> dict[int, str]:
    """Anchors as they were published: a line ``number sha256`` each. Raises ``Unreadable``, ``Broken`` on two heads."""
    found: dict[int, str] = {}
    for line in lines:
        number, _, head = line.strip().partition(" ")
        if not number:
            continue
        if not number.isdigit() or len(head) != 64:
            raise Unreadable(f"This is no anchor: {line.strip()[:80]!r}.")
        if found.setdefault(int(number), head) != head:
            raise Broken(f"The anchors know two different seals {number}: history was signed anew.")
    return found


def read_log(lines: Iterable[bytes]) -> dict[int, bytes]:
    """The leaf of each event in the portal's log, by its number. Lines of other kinds are skipped.

    Raises ``Unreadable`` when there is no event at all, ``Broken`` when one number stands for two of them.
    """
    found: dict[int, bytes] = {}
    for line in lines:
        if match := LOGGED.search(line):
            seq, digest = int(match[1]), bytes.fromhex(match[2].decode())
            if found.setdefault(seq, digest) != digest:
                raise Broken(f"The log knows two different events {seq}: the trail was set back, or there are two.")
    if not found:
        raise Unreadable("The log holds no event of the trail.")
    return found


def key_id(key: bytes) -> str:
    """How a seal names the key that signed it."""
    return hashlib.sha256(key).hexdigest()[:16]


def read_keys(hex_keys: Iterable[str]) -> dict[str, bytes]:
    """Public keys by their id. Raises ``Unreadable``."""
    keys = {}
    for text in hex_keys:
        try:
            key = bytes.fromhex(text.strip())
        except ValueError:
            key = b""
        if len(key) != 32:
            raise Unreadable("A key is 64 hexadecimal digits.")
        keys[key_id(key)] = key
    return keys


# --- The archive -----------------------------------------------------------------------------------------------------
def archive_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Number and leaf of each line of events.ndjson; a withheld event stands there by its leaf alone."""
    seq = 0
    for raw in lines:
        line = raw.rstrip(b"\n")
        # Most numbers follow the one before: to compare is twice as fast as to read.
        if line.startswith(b'{"seq":%d,"at":' % (seq + 1)):
            seq += 1
            yield seq, hashlib.sha256(b"\0" + line).digest(), False
        else:
            event = _event(line)
            seq = event[0]
            yield event


def _event(line: bytes) -> Event:
    start = line[:7] == b'{"seq":' and line.find(b",", 7, 28)
    if not start or start < 0:
        raise Broken(f"This is no event: {line[:80]!r}.")
    try:
        seq = int(line[7:start])
    except ValueError as error:
        raise Broken(f"This is no event: {line[:80]!r}.") from error
    if not line.startswith(b',"leaf":"', start):
        return seq, leaf(line), False
    try:
        digest = bytes.fromhex(line[start + 9 : -2].decode())
    except ValueError as error:
        raise Broken(f"Event {seq} is withheld, but its leaf can't be read.") from error
    if line != WITHHELD % (seq, digest.hex().encode()):
        raise Broken(f"Event {seq} is withheld in another form than it should be.")
    return seq, digest, True


def archive_seals(lines: Iterable[bytes]) -> Iterator[Seal]:
    for raw in lines:
        try:
            item = json.loads(raw)
            yield Seal.read(item["text"], item["keyId"], bytes.fromhex(item["signature"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Broken(f"This is no seal: {raw[:80]!r}.") from error


def check_names(lines: Iterable[bytes]) -> int:
    """How many names fit to the hashes that stand for them in the events. Raises ``Broken``."""
    fitting = 0
    for raw in lines:
        try:
            item = json.loads(raw)
            name, salt, wanted = item["name"], item["salt"], item["hash"]
        except (ValueError, KeyError, TypeError) as error:
            raise Broken(f"This is no name: {raw[:80]!r}.") from error
        if name is not None and hashlib.sha256((salt + name).encode()).hexdigest() != wanted:
            raise Broken(f"The name of {item.get('actor')} is not the one that the events stand for.")
        fitting += 1
    return fitting


def check_checksum(path: str) -> None:
    """The archive ends with a checksum of all that stands before it, so that damage of any byte is seen.

    Against a person it proves nothing: whoever changes the archive can write another one. The seals prove.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - CHECKSUM_BYTES))
        comment = file.read()
        file.seek(0)
        digest, left = hashlib.sha256(), size - len(comment)
        while left > 0:
            block = file.read(min(left, 1 << 20))
            digest.update(block)
            left -= len(block)
    if comment != CHECKSUM % digest.hexdigest().encode():
        raise Broken(f"{path} is damaged: its bytes don't fit to the checksum at its end.")


def _lines(archive: zipfile.ZipFile, name: str) -> io.BufferedReader:
    """The lines of a member, many times faster than the member gives them."""
    return io.BufferedReader(cast(io.RawIOBase, archive.open(name)), 1 << 20)


def check_archive(
    path: str,
    keys: Mapping[str, bytes],
    anchors: Mapping[int, str] | None = None,
    log: Mapping[int, bytes] | None = None,
) -> Report:
    """Checks a whole archive against its own manifest too. Raises ``Broken`` or ``Unreadable``."""
    try:
        check_checksum(path)
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            with _lines(archive, "events.ndjson") as events, archive.open("seals.ndjson") as seals:
                is_part = bool(manifest.get("selection"))
                report = check(archive_events(events), archive_seals(seals), keys, anchors, log=log, is_part=is_part)
                report.is_part = is_part
            with archive.open("actors.ndjson") as names:
                check_names(names)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, NotImplementedError) as error:
        if isinstance(error, zipfile.BadZipFile | NotImplementedError | ValueError):
            raise Broken(f"{path} is damaged: {error}.") from error
        raise Unreadable(f"{path} can't be read: {error}.") from error
    for name, found in (("events", report.events), ("seals", report.seals), ("withheld", report.withheld)):
        if manifest.get(name) != found:
            raise Broken(f"The manifest speaks of {manifest.get(name)} {name}, but there are {found}.")
    return report


# --- Ed25519 (RFC 8032), verification only ---------------------------------------------------------------------------
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    first = (a[1] - a[0]) * (b[1] - b[0]) % _P
    second = (a[1] + a[0]) * (b[1] + b[0]) % _P
    third = 2 * a[3] * b[3] * _D % _P
    fourth = 2 * a[2] * b[2] % _P
    e, f, g, h = second - first, fourth - third, fourth + third, second + first
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


@cache
def _multiples(p: Point) -> list[list[Point]]:
    """In row i the point times 0 to 255, times 256**i."""
    rows = []
    for _ in range(32):
        row: list[Point] = [(0, 1, 1, 0)]
        for _ in range(255):
            row.append(_add(row[-1], p))
        rows.append(row)
        p = _add(row[-1], p)
    return rows


def _times(number: int, p: Point) -> Point:
    """The point times a number below 2**256."""
    result: Point = (0, 1, 1, 0)
    for row in _multiples(p):
        result = _add(result, row[number & 255])
        number >>= 8
    return result


def _x_of(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


@cache
def _point(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = _x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


def _bytes_of(p: Point) -> bytes:
    """The one encoding of a point."""
    inverse = pow(p[2], -1, _P)
    x, y = p[0] * inverse % _P, p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _x_of(_BASE_Y, 0) or 0
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def ed25519_verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature (64 bytes) of the message was made with the private part of ``key`` (32 bytes)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, s = _point(key), int.from_bytes(signature[32:], "little")
    if public is None or s >= _L:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % _L
    minus_public = (_P - public[0], public[1], public[2], _P - public[3])
    return _bytes_of(_add(_times(s, _BASE), _times(challenge, minus_public))) == signature[:32]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks an archive of the audit trail, offline.")
    parser.add_argument("archive")
    parser.add_argument("--key", action="append", required=True, help="the sealer's public key, 64 hex digits")
    parser.add_argument("--anchors", help="a file of published anchors: a line `number sha256` each")
    parser.add_argument("--log", help="the portal's log: lines with an event of the trail are compared, others skipped")
    options = parser.parse_args(arguments)
    try:
        keys = read_keys(options.key)
        anchors = log = None
        if options.anchors:
            with open(options.anchors, encoding="utf-8") as lines:
                anchors = read_anchors(lines)
        if options.log:
            with open(options.log, "rb") as logged:
                log = read_log(logged)
        report = check_archive(options.archive, keys, anchors, log)
    except Broken as error:
        print(f"BROKEN: {error}")
        return 1
    except (Unreadable, OSError) as error:
        print(f"COULD NOT CHECK: {error}")
        return 2
    print(
        f"WHOLE: {report.events} events ({report.withheld} withheld), {report.seals} seals, up to {report.last_sealed}."
    )
    if report.is_part:
        shown = ", ".join(map(str, report.heads)) or "none"
        print(f"A part of the trail only, from seals {shown}: about the rest nothing is proved.")
    print(f"{report.unsealed} events at the end are not sealed yet.")
    print(f"{report.anchored} seals agree with published anchors." if anchors is not None else "No anchors were given.")
    print(f"{report.logged} events agree with the log." if log is not None else "No log was given.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
