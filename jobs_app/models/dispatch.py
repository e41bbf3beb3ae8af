"""What holds back sending for everybody."""

from django.db import models
from django.db.models.functions import Now


class Pause(models.Model):
    """Nothing is sent while a row stands here; ``cause`` says who may end it."""

    class Cause(models.TextChoices):
        CREDENTIALS = "credentials"  # KooDrive refused them; ends when a harmless read works again
        ADDRESS = "address"  # what answered isn't KooDrive's API; ends likewise

    cause = models.CharField(max_length=20, unique=True, choices=Cause.choices)
    since = models.DateTimeField(db_default=Now())
    detail = models.TextField()

    def __str__(self) -> str:
        return f"paused since {self.since}: {self.detail}"
