//! The page's own files, compiled in: nothing is fetched from anywhere else.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A file of the page.
pub(super) struct Asset {
    kind: &'static str,
    text: &'static str,
}

pub(super) const HTML: Asset = Asset {
    kind: "text/html; charset=utf-8",
    text: include_str!("../../page/panel.html"),
};
pub(super) const CSS: Asset = Asset {
    kind: "text/css; charset=utf-8",
    text: include_str!("../../page/panel.css"),
};
pub(super) const JS: Asset = Asset {
    kind: "text/javascript; charset=utf-8",
    text: include_str!("../../page/panel.js"),
};

impl Asset {
    pub(super) fn response(&self) -> Response {
        // Never cached: the next build of the program brings another page.
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, self.text).into_response()
    }
}
