//! How long a `Control.Set` takes to the simulated Core and back.

use std::time::{Duration, Instant};

use qrc::method::control::Set;
use qrc::{Client, Options};
use qrc_sim::{Component, Control, Core, CoreOptions, Design};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CALLS: usize = 5000;

pub(crate) fn report() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut times = runtime.block_on(async {
        let design = Design::new("Bench", "zT4mQ9wXb2Lk")
            .with(Component::new("Lobby", "gain").with(Control::gain("gain", -100.0, 20.0)))
            .with_named("LobbyVolume", "Lobby", "gain");
        let core = Core::new(design, CoreOptions::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move { core.serve(listener, stop).await }
        });
        let client = Client::start(Options::new(address.ip().to_string(), address.port()));
        let mut times = Vec::with_capacity(CALLS);
        for call in 0..CALLS {
            let set = Set::value("LobbyVolume", (call % 100) as f64 - 100.0);
            let begun = Instant::now();
            client.call(&set).await.unwrap();
            times.push(begun.elapsed());
        }
        client.shutdown().await;
        stop.cancel();
        serving.await.unwrap().unwrap();
        times
    });
    times.sort_unstable();
    let at = |share: f64| -> Duration { times[(share * (CALLS - 1) as f64) as usize] };
    println!(
        "Control.Set round trip at the simulated Core, {CALLS} calls: p50 {:?}, p99 {:?}, worst {:?}\n",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
