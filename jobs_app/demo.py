"""The people and the service of a demo: one person per role, named after it, and a service that may submit.

Also an example of each operation, since nobody has files in a sandbox.
"""

from typing import Any

from django.conf import settings

from . import people
from .actors import COMMAND_LINE, SUBMISSION_SCOPES, Role
from .models import ApiToken, User
from .operations import Operation, Use

SERVICE = "demo-service"
TOKEN_DAYS = 365
SPACE = "IAADdemo000000000000000000000000000000000000001"
FOLDER = "Fdemofolder0000000000000000000001"


def make_demo() -> bool:
    """Makes whatever of them is missing; True when the people are new."""
    if not ApiToken.objects.of_secret(settings.DEMO_TOKEN).exists():
        people.create_token(
            SERVICE, scopes=SUBMISSION_SCOPES, days=TOKEN_DAYS, by=COMMAND_LINE, secret=settings.DEMO_TOKEN
        )
    if User.objects.exists():
        return False
    for role in Role:
        email = f"{role}@example.com"
        people.create_person(role, settings.DEMO_PASSWORD, roles=[role], email=email, by=COMMAND_LINE)
    return True


def example(operation: Operation) -> dict[str, Any]:
    """A request in the API's form that the sandbox carries out."""
    numbers = [1] if operation.one_file else [1, 2]
    files = [{"fileId": f"Fdemo{number:028d}", "filePath": f"/demo/report {number}.pdf"} for number in numbers]
    info: dict[str, Any] = {"fileInfo": files, "srcContainerId": SPACE}
    if operation.new_file_path is not Use.NO:
        info["newFilePath"] = FOLDER
    if operation.uncompress_file_paths is not Use.NO:
        info["uncompressFilePaths"] = ["reports/2026/march.pdf"]
    labels = {file["fileId"]: f"report {number}.pdf" for number, file in zip(numbers, files, strict=True)}
    return {"taskInfo": info, "dstContainerId": SPACE, "labels": labels, "reason": "To see how the portal works"}
