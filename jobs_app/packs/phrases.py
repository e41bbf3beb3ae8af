"""Every sentence of the cover sheets, in English and in Chinese, each in one place."""

from ..audit.actions import MEANINGS
from ..operations import BY_NAME
from ..states import LABELS
from . import chinese

LANGUAGES = {"en": 0, "zh": 1}

PHRASES: dict[str, tuple[str, str]] = {
    "lang": ("en", "zh-Hans"),
    "title": ("Evidence pack", "证据包"),
    "title_submission": ("Evidence pack of submission {id}", "提交单 {id} 的证据包"),
    "made": (
        "Made on {at} from the audit trail of {portal} ({environment}), trail {instance}.",
        "{at} 由 {portal}（{environment}）的审计日志生成，日志编号 {instance}。",
    ),
    "selection": ("What was asked for: {line}", "查询条件：{line}"),
    "whole": ("What was asked for: the whole trail.", "查询条件：全部审计日志。"),
    "sources": (
        "What this sheet tells was read from the events of this archive; the number beside a fact is that of its event "
        "in events.ndjson. What it says of seals stands in manifest.json. Times are UTC.",
        "本页所述事实均取自本档案中的事件，旁注编号即 events.ndjson 中对应事件的编号。"
        "有关封存的说明取自 manifest.json。时间均为 UTC。",
    ),
    "recorded": (
        "Reasons, comments and details are shown as they were recorded, in the language of their time.",
        "原因、意见和详情均按记录原文显示，未经翻译。",
    ),
    "demo": ("This is a demo: no real file was touched.", "这是演示环境：没有触及任何真实文件。"),
    # Heads of tables
    "event": ("Event", "事件编号"),
    "time": ("Time (UTC)", "时间（UTC）"),
    "what": ("What", "内容"),
    "value": ("As recorded", "记录值"),
    "happened": ("What happened", "发生的事"),
    "who": ("Who", "操作者"),
    "particulars": ("Particulars", "详情"),
    "count": ("Number", "数量"),
    "more": ("{n} more are in the archive and not listed here.", "另有 {n} 项在档案中，此处未列出。"),
    "none": ("None.", "无。"),
    # One submission
    "asked": ("What was asked", "请求内容"),
    "not_created": (
        "The event by which it was created isn't in this archive, so what was asked can't be told.",
        "本档案不含其创建事件，因此无法说明请求内容。",
    ),
    "operation": ("Operation", "操作"),
    "source": ("From space", "源空间"),
    "target": ("To space", "目标空间"),
    "folder": ("To folder", "目标文件夹"),
    "items": ("Items (contents of folders not counted)", "项目数（不含文件夹内的内容）"),
    "reason": ("Reason", "原因"),
    "reference": ("Reference", "参考号"),
    "by": ("Requested by", "申请者"),
    "door": ("Through", "途径"),
    "address": ("From address", "来源地址"),
    "auth": ("Known by", "身份凭据"),
    "request_id": ("Request id", "请求标识"),
    "not_before": ("Not before", "不早于"),
    "not_after": ("Not after", "不晚于"),
    "retry_of": ("Another try of", "重试自"),
    "clone_of": ("Clone of", "复制自"),
    "follows": ("Made from the result of", "基于其结果"),
    "acknowledged": ("Acknowledged before submitting", "提交前已确认的提示"),
    "hash": ("SHA-256 of the request", "请求的 SHA-256"),
    "state": ("State after the last event", "最后一个事件之后的状态"),
    "warned": ("What was warned of", "提示过的警告"),
    "pointer": ("Place in the request", "请求中的位置"),
    "decided": ("Who decided", "审批情况"),
    "needed": ("Approvals that were needed: {n} (event {seq}).", "所需审批数：{n}（事件 {seq}）。"),
    "sending": ("Sending to KooDrive", "向 KooDrive 发送"),
    "doubt": ("Doubt and how it was settled", "存疑及其解决"),
    "course": ("The task and its end", "任务过程与结束"),
    "files": ("What became of every item", "每个项目的结果"),
    "label": ("Name for people", "名称"),
    "file": ("Item id", "项目标识"),
    "result": ("Result", "结果"),
    "new_id": ("New id", "新标识"),
    "open": ("no result recorded", "无结果记录"),
    "succeeded": ("succeeded", "成功"),
    "failed": ("failed", "失败"),
    "pending": ("open", "未完成"),
    "links": ("Links handed out", "下载链接的发放"),
    "looked": ("Who looked, or tried", "谁查看过或尝试过"),
    "looked_note": (
        "The portal records searches, exports and refused attempts, not each view of a page.",
        "门户会记录查询、导出和被拒绝的尝试，但不记录每次页面浏览。",
    ),
    "else": ("What else happened", "其他事件"),
    # A period or a query
    "counts": ("What happened, in numbers", "数量统计"),
    "created": ("created", "已创建"),
    "submission": ("Submission", "提交单"),
    "refused_sign_ins": ("Failed sign-ins", "登录失败次数"),
    "refused_tokens": ("Calls with a token that isn't valid", "使用无效令牌的调用次数"),
    "denied": ("Attempts without the right to it", "越权尝试次数"),
    "submissions": ("The submissions", "提交单"),
    "submissions_note": (
        "Each with the first and the last event that this archive shows of it.",
        "每项均列出本档案中的首个和最后一个事件。",
    ),
    "first_last": ("Events", "事件编号"),
    "deletions": ("Deletions for good, and who approved them", "彻底删除及其审批"),
    "closed": ("Unknown outcomes that a person settled", "由人工了结的未知结果"),
    "closed_note": (
        "Closed means: without certain evidence of what KooDrive did.",
        "“关闭”表示：没有确切证据说明 KooDrive 做了什么。",
    ),
    "foreign_tasks": ("Tasks in KooDrive that the portal did not send", "KooDrive 中并非由本门户发出的任务"),
    # Proof
    "proof": ("What is proved, and what is not", "证明了什么，没有证明什么"),
    "sealed": (
        "The trail was sealed up to event {upto} (seal {n}) when this archive was made. Of the {shown} events that it "
        "shows, {sealed} are sealed; {open} are not sealed yet, and nothing proves those.",
        "生成本档案时，审计日志已封存至事件 {upto}（第 {n} 号封存）。本档案显示的 {shown} 个事件中，{sealed} 个已封存；"
        "{open} 个尚未封存，没有任何证明。",
    ),
    "withheld": (
        "{n} other events stand under the same seals. They are withheld and represented by their hash alone.",
        "同一封存范围内另有 {n} 个事件未予公开，仅以哈希值代表。",
    ),
    "seal_means": (
        "A seal proves that the lines are unchanged since they were sealed. It does not prove that what they say is "
        "true, nor that nothing was left out before they were sealed.",
        "封存证明这些行自封存以来未被更改；它不证明其内容属实，也不证明封存之前没有遗漏。",
    ),
    "part_means": (
        "This archive is a part of the trail. That all events that fit are in it is the word of who made it; the whole "
        "trail proves it.",
        "本档案只是审计日志的一部分。所有符合条件的事件是否都在其中，取决于制作者的说法；只有完整的日志才能证明。",
    ),
    "anchors_behind": (
        "These places did not have the newest seal yet: {places}.",
        "以下锚点位置尚未收到最新的封存：{places}。",
    ),
    "anchors_ok": (
        "Every place to which heads of seals are published had the newest one.",
        "所有发布封存摘要的锚点位置均已有最新的封存。",
    ),
    "anchors_mean": (
        "Only anchors show that the end of the trail was cut off, or that who has the key signed another history.",
        "只有锚点才能发现日志末尾被截断，或持有密钥者另行签署了一份历史。",
    ),
    "names_mean": (
        "A line holds a salted hash of a name. The names stand beside the lines, in actors.ndjson, as they were then; "
        "of a name that was erased the id is left.",
        "每行只保存姓名的加盐哈希值；姓名按当时的记录另存于 actors.ndjson。已删除的姓名只显示其标识。",
    ),
    "times_mean": (
        "The time of an event is that of the database's clock, the time of a seal that of the sealer's.",
        "事件时间取自数据库时钟，封存时间取自封存程序的时钟。",
    ),
    "check": ("How to check it", "如何校验"),
    "check_how": (
        "With a verify.py that you have from elsewhere, and the public key from your own records:",
        "请使用另行取得的 verify.py，以及自己留存的公钥：",
    ),
    "events_sha": ("SHA-256 of events.ndjson", "events.ndjson 的 SHA-256"),
    "key_ids": ("Fingerprints of the sealer's keys", "封存密钥的指纹"),
    "key_compare": (
        "A fingerprint is the first 16 digits of the SHA-256 of a public key. Compare it with that of the key in your "
        "own records, never with one from here.",
        "指纹是公钥 SHA-256 的前 16 位。请与自己留存的公钥比对，切勿以此处所列为准。",
    ),
    # Particulars
    "p_detail": ("detail", "说明"),
    "p_reason": ("reason", "原因"),
    "p_comment": ("comment", "意见"),
    "p_task": ("KooDrive task", "KooDrive 任务"),
    "p_attempt": ("attempt", "第几次"),
    "p_traceId": ("trace id", "跟踪标识"),
    "p_httpStatus": ("HTTP status", "HTTP 状态码"),
    "p_requestSha256": ("SHA-256 of the request", "请求的 SHA-256"),
    "p_expiresAt": ("until", "有效至"),
    "p_export": ("export", "导出"),
    "p_query": ("query", "查询条件"),
    "p_to": ("wanted to", "意图"),
    "p_why": ("refused because", "拒绝原因"),
    "p_answer": ("KooDrive's answer", "KooDrive 的答复"),
    "p_evidence": ("evidence", "证据"),
    "p_count": ("times", "次数"),
    "p_ip": ("from", "来自"),
    "p_tasks": ("tasks", "任务"),
    "p_note": ("note", "备注"),
}


def phrase(key: str, language: str, **values: object) -> str:
    return PHRASES[key][LANGUAGES[language]].format(**values)


def operation(name: str, language: str) -> str:
    known = BY_NAME.get(name)
    return chinese.OPERATIONS.get(name, name) if language == "zh" else known.label if known else name


def state(name: str, language: str) -> str:
    return chinese.STATES.get(name, name) if language == "zh" else dict(LABELS).get(name, name)  # type: ignore[call-overload]


def action(name: str, language: str) -> str:
    meaning = chinese.ACTIONS.get(name) if language == "zh" else MEANINGS.get(name)
    return f"{meaning} ({name})" if meaning else name


def channel(name: str, language: str) -> str:
    return chinese.CHANNELS.get(name, name) if language == "zh" else name
