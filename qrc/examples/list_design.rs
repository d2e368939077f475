//! Lists a design with types, ranges and values: `list_design HOST[:PORT]`

use std::io::{self, Write};

use qrc::Client;
use qrc::method::component::{GetComponents, GetControls};
use qrc::method::session::StatusGet;

#[path = "shared/core_address.rs"]
mod core_address;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::start(core_address::options(std::env::args().nth(1))?);
    let status = client.call(&StatusGet).await?;
    let mut listing = format!("{} on {}\n", status.design_name, status.platform);
    for component in client.call(&GetComponents).await? {
        listing += &format!("{} ({})\n", component.name, component.kind);
        let name = component.name;
        for control in client.call(&GetControls { name }).await?.controls {
            let text = control.string.unwrap_or_default();
            let range = match (control.value_min, control.value_max) {
                (Some(min), Some(max)) => format!(" {min} to {max}"),
                _ => String::new(),
            };
            let line = format!("  {} = {text} [{}{range}]\n", control.name, control.kind);
            listing += &line;
        }
        match io::stdout().write_all(listing.as_bytes()) {
            // The reader has seen enough and left, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
        listing.clear();
    }
    client.shutdown().await;
    Ok(())
}
