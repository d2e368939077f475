//! The Core-side scripts that come with the plugin, for Control Script blocks.

/// File name and text of each script.
pub const CORE_SCRIPTS: &[(&str, &str)] = &[
    (
        "nightly_backup.lua",
        include_str!("../scripts/nightly_backup.lua"),
    ),
    (
        "prove_at_six.lua",
        include_str!("../scripts/prove_at_six.lua"),
    ),
    (
        "recording_alarm.lua",
        include_str!("../scripts/recording_alarm.lua"),
    ),
];
