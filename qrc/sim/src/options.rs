//! How a simulated Core behaves: its identity, its limits, and one switch for each point that no source settles.

use std::time::{Duration, SystemTime};

use compact_str::CompactString;

/// A simulated Core's settings.
#[derive(Debug, Clone)]
pub struct CoreOptions {
    /// `Platform` of the EngineStatus: `Emulator`, or a model such as `Core 110f`.
    pub platform: CompactString,
    /// `IsEmulator`. An emulator accepts any user and PIN, and plays no loop-player files.
    pub is_emulator: bool,
    /// `IsRedundant`. [`Pair`](crate::Pair) sets it.
    pub is_redundant: bool,
    /// `Status`: a code from 0 to 5 and its text.
    pub status: (u8, CompactString),
    /// Users and PINs with the External Control permission. Without any, no Logon is needed and every Logon succeeds.
    pub users: Vec<(CompactString, CompactString)>,
    /// A connection that sends nothing for this long is closed; None is never. The Help says 60 s.
    pub idle_limit: Option<Duration>,
    /// Connections at a time; further ones are closed at once. No source gives the real limit.
    pub connection_limit: usize,
    /// Change groups per connection; the Help says 4.
    pub group_limit: usize,
    /// The longest request in bytes. A longer one closes the connection. No source gives the real limit.
    pub request_limit: usize,
    /// Bytes that may wait for a connection. Above that, its AutoPoll pushes are held back, so that its changes merge
    /// into the newest values, and its requests are not read. A connection never holds more than this and one frame.
    pub output_limit: usize,
    /// The time between script frames and between steps of a ramp.
    pub frame: Duration,
    /// The wall clock at the moment the Core is made, UTC. Times of day and of paging count from it.
    pub epoch: SystemTime,
    /// The seed of all that is random in this Core and its faults.
    pub seed: u64,
    /// The points that no source settles.
    pub points: OpenPoints,
}

impl Default for CoreOptions {
    fn default() -> CoreOptions {
        CoreOptions {
            platform: "Core 110f".into(),
            is_emulator: false,
            is_redundant: false,
            status: (0, "OK".into()),
            users: Vec::new(),
            idle_limit: Some(Duration::from_secs(60)),
            connection_limit: 128,
            group_limit: 4,
            request_limit: 16 << 20,
            output_limit: 4 << 20,
            frame: Duration::from_millis(33),
            epoch: SystemTime::now(),
            seed: 0x51_5359,
            points: OpenPoints::default(),
        }
    }
}

impl CoreOptions {
    /// A Core that presents itself as Designer's Emulate mode does.
    pub fn emulator() -> CoreOptions {
        CoreOptions {
            platform: "Emulator".into(),
            is_emulator: true,
            points: OpenPoints {
                loop_player_start: Reply::Nothing,
                ..OpenPoints::default()
            },
            ..CoreOptions::default()
        }
    }

    /// Requires a Logon with this PIN.
    pub fn with_user(mut self, user: &str, pin: &str) -> CoreOptions {
        self.users.push((user.into(), pin.into()));
        self
    }
}

/// The `result` of a call without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// `true`
    True,
    /// `{}`
    Object,
    /// `[]`
    Array,
    /// `"OK"`
    Ok,
    /// No `result` member.
    Nothing,
}

/// What a Core does with a number outside a control's range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfRange {
    /// Uses the nearest value.
    Clamp,
    /// Answers -32602.
    Refuse,
    /// Leaves the control as it was and reports success.
    Ignore,
}

/// What a Core does with a write it cannot use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Leaves the control as it was and reports success.
    Ignore,
    /// Answers -32602.
    Refuse,
}

/// When readings contain `Choices`, `Color` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataKeys {
    /// Only for controls that have them.
    WhenSet,
    /// Never.
    Never,
    /// Always, even empty.
    Always,
}

/// How a Standby Core answers a call that it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standby {
    /// Error -32604.
    Refuse,
    /// No reply.
    Silent,
}

/// The shape of an AutoPoll push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushShape {
    /// A notification with `params`, as live Cores send it.
    Params,
    /// An object with `result`, as the Help prints it.
    Result,
}

/// One field for each point of the protocol that no strong source settles. The defaults are the likeliest; a client
/// must work with every setting.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenPoints {
    /// Answer a frame that is not JSON with -32700; otherwise stay silent.
    pub answer_not_json: bool,
    /// Answer a batch or another non-object with -32600; otherwise stay silent.
    pub answer_batch: bool,
    /// Send error replies to requests without id, too, with `"id":null`.
    pub errors_without_id: bool,
    /// Accept `"jsonrpc":2.0` and requests without `jsonrpc`; otherwise -32600.
    pub lenient_jsonrpc: bool,
    /// Accept method names in any case.
    pub methods_in_any_case: bool,
    /// The result of NoOp.
    pub no_op: Reply,
    /// A wrong PIN gives `"result":false`; otherwise error 10.
    pub wrong_pin_is_false: bool,
    /// NoOp and StatusGet work before Logon.
    pub open_before_logon: bool,
    /// The shortest AutoPoll period.
    pub auto_poll_minimum: Duration,
    /// An AutoPoll rate of 0 or less switches AutoPoll off; otherwise it means the shortest period.
    pub auto_poll_zero_is_off: bool,
    /// The first push comes at once; otherwise after one period.
    pub first_push_at_once: bool,
    /// AutoPoll on an unknown group makes it; otherwise error 6.
    pub auto_poll_makes_group: bool,
    /// Push ticks without a change, too.
    pub empty_pushes: bool,
    /// The shape of pushes.
    pub push_shape: PushShape,
    /// Destroy of an unknown group is error 6; otherwise `true`.
    pub destroy_unknown_is_error: bool,
    /// One unknown name keeps the known names of an Add out of the group, too.
    pub add_is_all_or_nothing: bool,
    /// One unknown control in a Component.Set keeps the others from being written.
    pub set_is_all_or_nothing: bool,
    /// Get leaves unknown names out; otherwise one unknown name is error 8 for the whole call.
    pub get_skips_unknown: bool,
    /// Control.Get accepts a name, or objects with a `Name`, beside an array of names; otherwise -32602.
    pub lenient_control_get: bool,
    /// The reply of AutoPoll is a Poll's result, as the Help prints it; otherwise `true`.
    pub auto_poll_replies_changes: bool,
    /// The reply of ChangeGroup.Remove names the unknown controls, as the Help says; otherwise `true`.
    pub remove_replies_unknown: bool,
    /// One more push may follow the Destroy of a group with AutoPoll.
    pub late_push_after_destroy: bool,
    /// The reply of Logon has `response` in place of `result`, as the Help prints it.
    pub logon_says_response: bool,
    /// The reply of Control.Set; None is the control's object.
    pub control_set: Option<Reply>,
    /// The reply of Component.Set without `ResponseValues`.
    pub component_set: Reply,
    /// The firmware knows `ResponseValues`.
    pub knows_response_values: bool,
    /// The reply of Mixer methods.
    pub mixer: Reply,
    /// A mixer selector of negatives only selects all other channels; otherwise none.
    pub lone_negative_means_others: bool,
    /// The reply of LoopPlayer.Start.
    pub loop_player_start: Reply,
    /// The reply of LoopPlayer.Stop and Cancel.
    pub loop_player_stop: Reply,
    /// The reply of PA.SourceWatchdog.
    pub source_watchdog: Reply,
    /// The error code of Snapshot methods for an unknown bank or number.
    pub snapshot_error: i64,
    /// How a Set treats numbers out of range.
    pub out_of_range: OutOfRange,
    /// Texts written to numeric controls are read as numbers.
    pub texts_as_numbers: bool,
    /// How a Set treats texts that are no value of the control.
    pub unusable_text: Unusable,
    /// If a Set has both `Value` and `Position`, Position counts.
    pub position_wins: bool,
    /// A Set accepts `String` as a text.
    pub string_sets_text: bool,
    /// How a Set treats Read Only controls.
    pub read_only_write: Unusable,
    /// A Set with Ramp answers with the target; otherwise with the present value.
    pub ramp_reply_is_target: bool,
    /// The `Value` of a combo box is its index; otherwise 0.0.
    pub combo_value_is_index: bool,
    /// Component.GetControls gives `Choices` for texts that have them.
    pub choices_in_get_controls: bool,
    /// Frequencies have a logarithmic scale of positions; otherwise a linear one.
    pub logarithmic_frequency: bool,
    /// When readings contain metadata.
    pub metadata: MetadataKeys,
    /// Writes to components without external access succeed without effect; otherwise error 7.
    pub hidden_writes_pass: bool,
    /// How a Standby Core answers.
    pub standby: Standby,
    /// LoopPlayer.Error spells `RefID`; otherwise `RefId`.
    pub error_spells_ref_id_in_capitals: bool,
}

impl Default for OpenPoints {
    fn default() -> OpenPoints {
        OpenPoints {
            answer_not_json: true,
            answer_batch: true,
            errors_without_id: false,
            lenient_jsonrpc: true,
            methods_in_any_case: false,
            no_op: Reply::True,
            wrong_pin_is_false: false,
            open_before_logon: true,
            auto_poll_minimum: Duration::from_millis(30),
            auto_poll_zero_is_off: true,
            first_push_at_once: false,
            auto_poll_makes_group: false,
            empty_pushes: true,
            push_shape: PushShape::Params,
            destroy_unknown_is_error: false,
            add_is_all_or_nothing: false,
            set_is_all_or_nothing: false,
            get_skips_unknown: false,
            lenient_control_get: false,
            auto_poll_replies_changes: false,
            remove_replies_unknown: false,
            late_push_after_destroy: false,
            logon_says_response: false,
            control_set: None,
            component_set: Reply::True,
            knows_response_values: true,
            mixer: Reply::True,
            lone_negative_means_others: false,
            loop_player_start: Reply::True,
            loop_player_stop: Reply::True,
            source_watchdog: Reply::Ok,
            snapshot_error: -32602,
            out_of_range: OutOfRange::Clamp,
            texts_as_numbers: true,
            unusable_text: Unusable::Refuse,
            position_wins: true,
            string_sets_text: true,
            read_only_write: Unusable::Ignore,
            ramp_reply_is_target: false,
            combo_value_is_index: false,
            choices_in_get_controls: false,
            logarithmic_frequency: false,
            metadata: MetadataKeys::WhenSet,
            hidden_writes_pass: false,
            standby: Standby::Refuse,
            error_spells_ref_id_in_capitals: false,
        }
    }
}
