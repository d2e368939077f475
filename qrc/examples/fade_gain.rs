//! Moves a gain to a level over some seconds: `fade_gain HOST[:PORT] COMPONENT CONTROL DB SECONDS`

#![allow(clippy::print_stdout)] // a program that prints

use qrc::Client;
use qrc::method::component::{Get, Set, SetControl};

#[path = "shared/core_address.rs"]
mod core_address;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let client = Client::start(core_address::options(arguments.next())?);
    let [component, control, level, seconds] =
        [(); 4].map(|()| arguments.next().unwrap_or_default());
    let fade = SetControl::value(control.as_str(), level.parse::<f64>()?).over(seconds.parse()?);
    // If the link is lost here, the error says that the outcome is unknown: the client does not
    // send the fade a second time.
    client
        .call(&Set::new(component.as_str(), vec![fade]))
        .await?;
    let readings = client
        .call(&Get::new(component.as_str(), [control.as_str()]))
        .await?;
    for control in readings.controls {
        let text = control.reading.string.unwrap_or_default();
        println!("{component}.{} is at {text} and on its way", control.name);
    }
    client.shutdown().await;
    Ok(())
}
