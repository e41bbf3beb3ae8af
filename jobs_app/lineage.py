"""From the line of a table to what became of it: the result file of a batch."""

from collections.abc import Iterator

from . import csvs
from .koodrive.codes import explain as explain_code
from .models import Batch, Submission, SubmissionFile

AT_ONCE = 1000  # files read at a time
COLUMNS = (
    *("row", "fileId", "name", "filePath", "submission", "submissionStatus", "status"),
    *("resultCode", "resultDesc", "advice", "newFileId", "newFilePath"),
)


def table(batch: Batch) -> Iterator[str]:
    """Line by line, in the order in which the files were given.

    ``row`` is the line of an imported table, else the number of the submission in the batch.
    """
    is_table = batch.source == Submission.Source.IMPORT
    files = SubmissionFile.objects.filter(submission__batch=batch).select_related("submission")
    found = files.order_by("submission__row", "row").iterator(chunk_size=AT_ONCE)
    yield from csvs.lines([COLUMNS])
    yield from csvs.lines(_cells(file, file.row if is_table else file.submission.row) for file in found)


def _cells(file: SubmissionFile, row: int | None) -> list[object]:
    known = explain_code(file.result_code)
    advice = known.advice if known and file.result_code != "0" else None
    submission = file.submission
    return [
        *(row, file.file_id, file.label, file.file_path, submission.pk, submission.status, file.status),
        *(file.result_code, file.result_desc, advice, file.new_file_id, file.new_file_path),
    ]
