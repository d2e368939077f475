//! A Core's address as it is typed: `HOST` or `HOST:PORT`.

use qrc::{Options, PORT};

pub(crate) fn options(typed: Option<String>) -> Result<Options, Box<dyn std::error::Error>> {
    let typed = typed.ok_or("which Core? give HOST or HOST:PORT first")?;
    Ok(match typed.rsplit_once(':') {
        Some((host, port)) => Options::new(host, port.parse()?),
        None => Options::new(typed, PORT),
    })
}
