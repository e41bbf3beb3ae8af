"""What sending is measured against: a Celery task that does ``requests.post`` and promises nothing."""

import os

import requests
from celery import Celery

URL = os.environ.get("KOODRIVE_BASE_URL", "") + "/koodrive/ose/v1/jobs"
HEADERS = {"Authorization": f"Bearer {os.environ.get('KOODRIVE_TOKEN', '')}", "X-Traceid": "0" * 58}

app = Celery("bare", broker=os.environ.get("REDIS_URL", ""))
app.conf.task_ignore_result = True
app.conf.task_default_queue = "bare"


@app.task(name="post")
def post(body: dict[str, object]) -> None:
    requests.post(URL, json=body, headers=HEADERS, timeout=(3, 30)).raise_for_status()
