"""Who may sign in, and stay signed in: people who are active and whose last day isn't over."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from .models import User


class PresentPeople(ModelBackend):
    """Asked at each sign-in and again at each request with a session."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        return isinstance(user, User) and user.is_present
