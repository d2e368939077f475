//! The panel page: a plugin's panel in a browser, drawn as Designer would and live.
//!
//! Plain HTTP gives the page's files; `/live` is a WebSocket. Its first message from here is
//! `{"component", "panel": `[`Panel`](crate::panel::Panel)`, "controls": {name: state}}`, each further one holds the
//! controls that changed; `{}` comes every two seconds as a sign of life. From the page comes
//! `{"control": name, "act": `[`PanelAct`](crate::panel::PanelAct)`}`; what is refused is answered
//! with `{"refused": {"control", "why"}}`.

mod assets;
mod callers;
mod connections;
mod sent;
mod served;

mod live;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use served::Preview;
use served::Served;

/// How many pages may be open at once.
const PAGES: usize = 16;
/// Largest message from a page, bytes: as much as a mailbox document may hold, and its wrapping.
const LARGEST_MESSAGE: usize = 128 * 1024;
/// How long an unfinished answer may delay the stop.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves the page until `stop`. Whoever reaches the listener can press: it has no log-on of its own.
pub async fn serve(
    listener: TcpListener,
    preview: Preview,
    stop: CancellationToken,
) -> io::Result<()> {
    let served = Arc::new(Served::new(preview, stop.clone()));
    let places = Arc::new(Semaphore::new(PAGES));
    let scripts = assets::SCRIPTS.into_iter();
    let scripts = scripts.fold(Router::new(), |app, (path, asset)| {
        app.route(path, get(move || async move { asset.response() }))
    });
    let app = scripts
        .route("/", get(|| async { assets::HTML.response() }))
        .route("/panel.css", get(|| async { assets::CSS.response() }))
        .route("/live", any(enter))
        .fallback(|| async { (StatusCode::NOT_FOUND, "nothing here; the panel is at /\n") })
        .layer(axum::middleware::from_fn(callers::check))
        .with_state((served, places));
    let serving = axum::serve(connections::Bounded::new(listener), app)
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        ended = serving => ended,
        () = async { stop.cancelled().await; tokio::time::sleep(FAREWELL).await } => Ok(()),
    }
}

/// A page opens its live connection.
async fn enter(
    State((served, places)): State<(Arc<Served>, Arc<Semaphore>)>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(place) = places.try_acquire_owned() else {
        let full = format!("{PAGES} pages look already; close one\n");
        return (StatusCode::SERVICE_UNAVAILABLE, full).into_response();
    };
    upgrade
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(async move |socket| {
            live::attend(socket, &served).await;
            drop(place);
        })
}
