"""KooDrive's business codes as far as the sandbox uses them, and the answers that carry them."""

from types import MappingProxyType

from .http import Answer, as_json

INVALID = 13000102
INNER_FAILURE = 13000201
NOT_FOUND = 13000309

ENGLISH, CHINESE = 0, 1

MESSAGES = MappingProxyType(
    {
        0: ("success", "成功"),
        13000102: ("Verify parameters failed.", "参数校验失败。"),
        13000201: ("inner server invoke failure", "内部服务调用失败"),
        13000301: ("Space not found.", "空间不存在。"),
        13000302: ("File is not in the specified space.", "文件不在指定空间中。"),
        13000303: ("The file is not in the recycle bin.", "文件不在回收站中。"),
        13000306: ("File is in the recycle bin.", "文件在回收站中。"),
        13000308: ("File metadata error.", "文件元数据异常。"),
        13000309: ("Resource not found.", "资源不存在。"),
        13000311: ("Insufficient space.", "空间不足。"),
        13000312: ("File already in the target folder.", "文件已在目标目录中。"),
        13000405: ("Duplicate file name.", "文件名重复。"),
    }
)


def tongue(language: str) -> int:
    """The column of ``MESSAGES`` for the value of a ``language`` header; KooDrive's default is English."""
    return CHINESE if language.lower().startswith("zh") else ENGLISH


def message(code: int, language: str = "") -> str:
    return MESSAGES[code][tongue(language)] if code in MESSAGES else f"Error {code}."


def code_field(code: int, *, as_text: bool) -> int | str:
    """KooDrive's reference calls ``code`` a string and prints integers; the sandbox gives either."""
    return str(code) if as_text else code


def refusal(code: int, *, language: str = "", as_text: bool = False, status: int = 400, detail: str = "") -> Answer:
    """A business error; ``detail`` stands instead of the code's usual message."""
    return as_json(status, {"code": code_field(code, as_text=as_text), "msg": detail or message(code, language)})


def gateway(status: int, code: str, text: str) -> Answer:
    """An error of the gateway in front of KooDrive, in the gateway's own shape."""
    return as_json(status, {"error_code": code, "error_msg": text, "request_id": "0" * 32})
