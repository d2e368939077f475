//! The page's own files, compiled in: nothing is fetched from anywhere else.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A file of the page.
#[derive(Clone, Copy)]
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

/// The page's scripts, by the name under which they import each other.
pub(super) const SCRIPTS: [(&str, Asset); 11] = [
    script("/panel.js", include_str!("../../page/panel.js")),
    script("/link.js", include_str!("../../page/link.js")),
    script("/note.js", include_str!("../../page/note.js")),
    script("/draw.js", include_str!("../../page/draw.js")),
    script("/parts.js", include_str!("../../page/parts.js")),
    script("/graphics.js", include_str!("../../page/graphics.js")),
    script("/texts.js", include_str!("../../page/texts.js")),
    script("/buttons.js", include_str!("../../page/buttons.js")),
    script("/choices.js", include_str!("../../page/choices.js")),
    script("/sliders.js", include_str!("../../page/sliders.js")),
    script("/lamps.js", include_str!("../../page/lamps.js")),
];

const fn script(path: &'static str, text: &'static str) -> (&'static str, Asset) {
    let kind = "text/javascript; charset=utf-8";
    (path, Asset { kind, text })
}

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
