//! Serves a simulated Core: `serve_core [ADDRESS [DESIGN.json [FAULT...]]]`, for example
//! `cargo run -p qrc-sim --example serve_core -- 127.0.0.1:1710 qrc/sim/examples/harbour_hall.json drop@every=30s`.

#![allow(clippy::print_stdout)] // a program that says where it listens

use std::error::Error;

use qrc_sim::{Core, CoreOptions, Design, Fault};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".into());
    let design = match arguments.next() {
        Some(file) => Design::load(file)?,
        None => Design::from_json(include_str!("harbour_hall.json"))?,
    };
    let core = Core::new(design, CoreOptions::default());
    for fault in arguments {
        core.faults().add(fault.parse::<Fault>()?);
    }
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("qrc listening on {}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let until = stop.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        until.cancel();
    });
    core.serve(listener, stop).await?;
    println!("{:?}", core.stats());
    Ok(())
}
