"""Signed notices of changes of state: where they may go, how they are signed, their queue and their delivery."""
