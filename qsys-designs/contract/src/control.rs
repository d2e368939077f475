//! The names of the plugin's controls. Designs, wires and touch panels are bound to them, so none is ever renamed.

/// The component's Code Name where nobody sets another.
pub const CODE_NAME: &str = "DisasterRecovery";

/// Holds a [`Message`](crate::Message): the agent writes, the plugin draws.
pub const STATE: &str = "AgentStateJson";
/// Holds an [`Ack`](crate::Ack): the agent writes.
pub const ACK: &str = "AckJson";
/// The agent's sign of life: another number each second.
pub const HEARTBEAT: &str = "Heartbeat";
/// Holds a [`Request`](crate::Request) until it is answered: the plugin writes.
pub const REQUEST: &str = "RequestJson";

/// The overall state: a Status control.
pub const STATUS: &str = "Status";
/// The overall state in one sentence.
pub const STATUS_TEXT: &str = "StatusText";
/// Lit while changes are recorded.
pub const RECORDING: &str = "Recording";
/// Lit while the newest backup is proved and none is overdue.
pub const BACKUP_OK: &str = "BackupOk";
/// Lit while a job runs.
pub const RECOVERY_RUNNING: &str = "RecoveryRunning";
/// How far the running job is.
pub const JOB_TEXT: &str = "JobText";
/// The newest backup.
pub const LAST_BACKUP: &str = "LastBackup";
/// When the next backup is due.
pub const NEXT_BACKUP: &str = "NextBackup";
/// When a backup was last proved.
pub const LAST_VERIFIED: &str = "LastVerified";
/// How many backups there are.
pub const BACKUP_COUNT: &str = "BackupCount";
/// The first moment that a restore can reach.
pub const RECOVERABLE_FROM: &str = "RecoverableFrom";
/// The last moment that a restore can reach.
pub const RECOVERABLE_TO: &str = "RecoverableTo";
/// Changes per second.
pub const EVENTS_RATE: &str = "EventsRate";
/// How many events are stored.
pub const EVENTS_TOTAL: &str = "EventsTotal";
/// How many gaps there are.
pub const GAPS_TEXT: &str = "GapsText";
/// Free space on the store's disk.
pub const DISK_TEXT: &str = "DiskText";
/// What became of the last request.
pub const REQUEST_TEXT: &str = "RequestText";
/// Asks for a backup.
pub const BACKUP_NOW: &str = "BackupNow";
/// Asks for a check of the archive.
pub const VERIFY_NOW: &str = "VerifyNow";
/// The plugin's version.
pub const VERSION: &str = "VersionText";

/// Controls that carry documents and the sign of life. No page shows them.
pub const MAILBOX: [&str; 4] = [STATE, ACK, HEARTBEAT, REQUEST];

/// What people see and press, without the squares of the recoverable range.
pub const PANEL: [&str; 42] = [
    STATUS,
    STATUS_TEXT,
    "AgentOnline",
    "AgentText",
    "CoreText",
    RECORDING,
    "RecordingText",
    EVENTS_RATE,
    EVENTS_TOTAL,
    GAPS_TEXT,
    BACKUP_OK,
    LAST_BACKUP,
    "BackupAge",
    NEXT_BACKUP,
    LAST_VERIFIED,
    BACKUP_COUNT,
    DISK_TEXT,
    RECOVERABLE_FROM,
    RECOVERABLE_TO,
    BACKUP_NOW,
    VERIFY_NOW,
    REQUEST_TEXT,
    JOB_TEXT,
    RECOVERY_RUNNING,
    "RestorePoint",
    "RestoreMoment",
    "Pin",
    "PinText",
    "RestoreTarget",
    "RestorePreview",
    "RestoreResult",
    "RestoreArmed",
    "PreviewRestore",
    "ArmRestore",
    "ArmUndo",
    "ConfirmRestore",
    "CancelRestore",
    VERSION,
    "MessageText",
    "HeartbeatText",
    "ProblemText",
    "PendingText",
];

/// Into how many squares the recoverable range is cut.
pub const RANGE_SLOTS: usize = 24;

/// The square `slot`, from 1 to [`RANGE_SLOTS`].
pub fn range_slot(slot: usize) -> String {
    format!("RangeSlot{slot}")
}

/// Every control of the plugin.
pub fn all() -> impl Iterator<Item = String> {
    let named = MAILBOX.iter().chain(&PANEL).copied().map(str::to_owned);
    named.chain((1..=RANGE_SLOTS).map(range_slot))
}
