//! Watches controls and prints what changes: `watch_room HOST[:PORT] [GLOB...]`

#![allow(clippy::print_stdout)] // a program that prints

use qrc::{Client, Selection, WatchEvent};

#[path = "shared/core_address.rs"]
mod core_address;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let client = Client::start(core_address::options(arguments.next())?);
    let mut selection = Selection::default();
    let globs: Vec<String> = arguments.collect();
    if !globs.is_empty() {
        selection.include = globs;
    }
    let mut watch = client.watch(selection).await?;
    let mut names = Vec::new();
    while let Some(event) = watch.next().await {
        match event {
            WatchEvent::Inventory(inventory) => {
                println!(
                    "{}: {} components, {} controls watched",
                    inventory.status.design_name,
                    inventory.components.len(),
                    inventory.controls.len()
                );
                names = inventory
                    .controls
                    .iter()
                    .map(|control| control.name.to_string())
                    .collect();
            }
            WatchEvent::State { readings, .. } => println!("{} controls read", readings.len()),
            WatchEvent::Lost { why, .. } => println!("nothing is watched now: {why}"),
            WatchEvent::Gap { why, .. } => println!("changes may have been missed: {why}"),
            WatchEvent::Changes { changes, .. } => {
                for change in changes {
                    let text = change.reading.string.unwrap_or_default();
                    println!("{} = {text}", names[change.control.0 as usize]);
                }
            }
        }
    }
    Ok(())
}
