//! A simulated Core on a port of its own. The client's tests use this file, too.

#![allow(clippy::unwrap_used)] // only tests call these

use qrc_sim::{Core, CoreOptions, Design};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A Core that is served until this is dropped.
pub(crate) struct Stage {
    pub(crate) core: Core,
    pub(crate) address: std::net::SocketAddr,
    stop: CancellationToken,
}

impl Stage {
    pub(crate) async fn open(design: Design, options: CoreOptions) -> Stage {
        Stage::serve(Core::new(design, options)).await
    }

    pub(crate) async fn serve(core: Core) -> Stage {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (served, until) = (core.clone(), stop.clone());
        tokio::spawn(async move { served.serve(listener, until).await });
        Stage {
            core,
            address,
            stop,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
