"""The bare view with its authentication, its serializer and its task."""

import hashlib
import os

from celery import Celery
from django.db import transaction
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.bench.plain.models import Caller, Job, JobFile

queue = Celery("plain", broker=os.environ["REDIS_URL"])
queue.conf.task_ignore_result = True
queue.conf.task_default_queue = "plain"


@queue.task(name="send")
def send(job_id: str) -> None:
    """Nobody carries it out."""


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, str]:
        secret = get_authorization_header(request).removeprefix(b"Bearer ")
        caller = Caller.objects.filter(digest=hashlib.sha256(secret).hexdigest()).first()
        if caller is None:
            raise AuthenticationFailed
        return caller, "token"


class NewJob(serializers.Serializer[Job]):
    operation = serializers.ChoiceField(["copy", "move", "trash"])
    file_id = serializers.CharField(max_length=256)
    reason = serializers.CharField(max_length=1000)


class Jobs(APIView):
    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> Response:
        given = NewJob(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        with transaction.atomic():
            job = Job.objects.create(caller=request.user, operation=values["operation"], reason=values["reason"])
            JobFile.objects.create(job=job, file_id=values["file_id"])
        send.delay(str(job.pk))
        return Response({"id": str(job.pk), "status": job.status, **given.data}, status=201)


urlpatterns = [path("jobs/", Jobs.as_view())]
