"""What the commands about people share: how a password is given, and how an error is said."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from ..errors import Invalid, PortalError


def read_password() -> str:
    """A line of standard input, asked for without showing it when that is a terminal."""
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


@contextmanager
def in_words() -> Iterator[None]:
    """Ends the command with the sentence of an error of the domain."""
    try:
        yield
    except Invalid as error:
        raise CommandError(" ".join(problem.detail for problem in error.problems)) from error
    except PortalError as error:
        raise CommandError(error.detail) from error
