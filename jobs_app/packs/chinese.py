"""What the code calls things by, in Chinese: operations, states, doors, and what each event says."""

from ..actors import Channel
from ..audit.actions import Action
from ..states import State

OPERATIONS = {
    "copy": "复制",
    "move": "移动",
    "trash": "移入回收站",
    "restore": "从回收站还原",
    "preview_archive": "查看压缩包内容",
    "extract": "解压压缩包",
    "extract_some": "解压部分文件",
    "package": "打包下载",
    "delete": "永久删除",
}

STATES: dict[str, str] = {
    State.AWAITING_APPROVAL: "等待审批",
    State.QUEUED: "排队中",
    State.SENDING: "发送中",
    State.ACCEPTED: "已受理",
    State.RUNNING: "执行中",
    State.UNKNOWN: "结果未知",
    State.SUCCEEDED: "成功",
    State.PARTIALLY_FAILED: "部分失败",
    State.FAILED: "失败",
    State.REFUSED: "被 KooDrive 拒绝",
    State.REJECTED: "审批未通过",
    State.EXPIRED: "已过期",
    State.CANCELLED: "已取消",
    State.CLOSED: "未经确认而关闭",
}

CHANNELS: dict[str, str] = {
    Channel.WEB: "网页",
    Channel.API: "REST 接口",
    Channel.WORKER: "工作进程",
    Channel.BEAT: "定时任务",
    Channel.CLI: "命令行",
}

ACTIONS: dict[str, str] = {
    Action.SUBMISSION_CREATED: "请求已保存。该行包含完整请求、名称及其哈希值。",
    Action.SUBMISSION_APPROVED: "审批人批准了哈希值与此完全一致的请求。",
    Action.SUBMISSION_REJECTED: "审批人最终否决了该请求。",
    Action.SUBMISSION_EXPIRED: "在批准或发送之前已过期。",
    Action.SUBMISSION_WITHHELD: "无法按现状发送，原因见该行，须由人工处理。",
    Action.CANCEL_REQUESTED: "有人要求停止；当时正在发送，或已由 KooDrive 受理。",
    Action.SUBMISSION_CANCELLED: "在发送之前已取消。",
    Action.SEND_INTENDED: "工作进程即将调用 KooDrive；在建立连接之前写入。",
    Action.SEND_ACCEPTED: "KooDrive 返回了任务标识。",
    Action.SEND_REFUSED: "KooDrive 返回错误，未执行任何操作。",
    Action.SEND_RETURNED: "该调用确定未产生任何作用，等待再次发送。",
    Action.SEND_UNKNOWN: "已发送或可能已发送，但没有得到确切答复。",
    Action.SEND_CONTRADICTED: "迟到的答复指向另一个任务，须由人工核查。",
    Action.DOUBT_EXAMINED: "已在 KooDrive 的任务中查找，未能定论，须由人工决定。",
    Action.DOUBT_SETTLED: "KooDrive 中恰有一个任务相符，已绑定；该行载有证据。",
    Action.DOUBT_BOUND: "由人工绑定了 KooDrive 中的任务。",
    Action.DOUBT_CLOSED: "由人工在没有确切证据的情况下关闭。",
    Action.TASK_STARTED: "KooDrive 开始执行任务。",
    Action.TASK_FINISHED: "任务已结束；该行载有每个文件的结果。",
    Action.TASK_CANCEL_ASKED: "已要求 KooDrive 停止任务；是否停止以任务状态为准。",
    Action.TASK_CONTRADICTED: "所绑定的任务与请求不符，须由人工核查。",
    Action.LINK_HANDED_OUT: "已发放下载包的地址；该行不含地址。",
    Action.DISPATCH_PAUSED: "在所述原因消除之前暂停一切发送。",
    Action.DISPATCH_RESUMED: "恢复发送。",
    Action.PERMISSION_DENIED: "有人尝试了无权进行的操作。",
    Action.SESSION_STARTED: "登录。",
    Action.SESSION_ENDED: "退出登录。",
    Action.SESSION_REFUSED: "登录失败；一行汇总同一地址一分钟内对同一账户的尝试。",
    Action.ACCESS_REFUSED: "使用了无效令牌；一行汇总同一地址一分钟内的调用。",
    Action.PERSON_CREATED: "新增人员及其角色。",
    Action.PASSWORD_CHANGED: "人员的密码已更改。",
    Action.NAME_ERASED: "人员姓名已删除；各行保留代表该姓名的哈希值。",
    Action.SERVICE_CREATED: "新增服务。",
    Action.TOKEN_CREATED: "为服务创建了令牌及其权限范围。",
    Action.TOKEN_USED: "令牌首次使用。",
    Action.CREDENTIALS_CHANGED: "此后使用另一个 KooDrive 令牌；该行指明令牌而不泄露其内容。",
    Action.TRAIL_VERIFIED: "已对照封存校验全部审计日志，结果如该行所示。",
    Action.TRAIL_QUERIED: "有人查询了审计日志；继续同一查询不另记一行。",
    Action.TRAIL_EXPORTED: "已写出全部或部分审计日志的档案。",
    Action.EXPORT_REQUESTED: "有人申请了审计日志的档案、证据包或表格。",
    Action.EXPORT_HANDED_OUT: "有人下载了导出文件。",
    Action.TASKS_COMPARED: "已将 KooDrive 的任务与提交单比对；该行列出非本门户的任务。",
    Action.TASKS_NOTED: "有人核查了并非由本门户发出的任务。",
}
