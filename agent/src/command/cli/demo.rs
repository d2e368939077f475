//! What may be typed after `demo` and `emulate`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Stop after this many seconds [default: until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: Option<u64>,
    /// Where the demo keeps its data
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    pub(crate) data: PathBuf,
    /// Where the simulated Core listens for QRC; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) qrc: String,
    /// Serve the panel's page, for a browser; anything but a loopback address is open to the network
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    pub(crate) panel: Option<String>,
    /// Control changes per second that the simulated room makes
    #[arg(long, value_name = "N/s", value_parser = rate, default_value = "25")]
    pub(crate) churn: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Emulate {
    /// Where the simulated Core listens for QRC; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1710")]
    pub(crate) qrc: String,
    /// Serve the panel's page, for a browser; anything but a loopback address is open to the network
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    pub(crate) panel: Option<String>,
    /// A design file to run instead of the demo design
    #[arg(long, value_name = "FILE")]
    pub(crate) design: Option<PathBuf>,
    /// Run this plugin instead of the recovery plugin; it gets the Code Name of the settings
    #[arg(long, value_name = "FILE.qplug")]
    pub(crate) plugin: Option<PathBuf>,
    /// Ask clients to log on with this PIN
    #[arg(long, value_name = "PIN")]
    pub(crate) pin: Option<String>,
    /// Control changes per second that the simulated room makes; 0 keeps it still
    #[arg(long, value_name = "N/s", value_parser = rate, default_value = "25")]
    pub(crate) churn: f64,
    /// Misbehave on purpose, e.g. "drop@every=30s"; may be given more than once
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<qrc_sim::Fault>,
}

/// A rate per second, written `40` or `40/s`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number
        .parse::<f64>()
        .ok()
        .filter(|rate| (0.0..=100_000.0).contains(rate))
        .ok_or_else(|| format!("`{text}` is no rate: expected changes per second, 0 to 100000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_may_carry_its_unit() {
        assert_eq!(rate("40/s"), Ok(40.0));
        assert_eq!(rate("0"), Ok(0.0));
        assert!(rate("-1").is_err());
        assert!(rate("NaN").is_err());
    }
}
