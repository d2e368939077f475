//! Lists a design with types, ranges and values: `list_design HOST[:PORT]`

#![allow(clippy::print_stdout)] // a program that prints

use qrc::Client;
use qrc::method::component::{GetComponents, GetControls};
use qrc::method::session::StatusGet;

#[path = "shared/core_address.rs"]
mod core_address;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::start(core_address::options(std::env::args().nth(1))?);
    let status = client.call(&StatusGet).await?;
    println!("{} on {}", status.design_name, status.platform);
    for component in client.call(&GetComponents).await? {
        println!("{} ({})", component.name, component.kind);
        let name = component.name;
        for control in client.call(&GetControls { name }).await?.controls {
            let text = control.string.unwrap_or_default();
            let range = match (control.value_min, control.value_max) {
                (Some(min), Some(max)) => format!(" {min} to {max}"),
                _ => String::new(),
            };
            println!("  {} = {text} [{}{range}]", control.name, control.kind);
        }
    }
    client.shutdown().await;
    Ok(())
}
