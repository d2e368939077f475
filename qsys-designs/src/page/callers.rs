//! Which requests are answered: those of this server's own pages, under a name that nobody else can own.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The page may load only its own files and talk only to its own server; pictures of a plugin come as data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Refuses strangers, and tells the browser how little the page may do.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let mut response = match refusal_of(request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    };
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !upgraded {
        // Connections are few, so none is kept open for a later request.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn refusal_of(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).map(HeaderValue::to_str);
    let host = text(header::HOST).and_then(Result::ok);
    let origin = text(header::ORIGIN).map(|origin| origin.unwrap_or("unreadable"));
    refusal(host, origin)
}

/// Why a request must be refused, if it must.
///
/// The host must be an IP address or `localhost`: anybody can point a name of their own at this machine
/// (DNS rebinding), and their page would then count as ours. A browser always sends the origin of a
/// WebSocket; other programs may leave it out.
fn refusal(host: Option<&str>, origin: Option<&str>) -> Option<&'static str> {
    let Some(host) = host else {
        return Some("no Host header: expected the address of this server");
    };
    if !is_plain(host) {
        return Some("open the panel by its IP address or as localhost, not by another name");
    }
    let ours = |origin: &str| {
        origin
            .strip_prefix("http://")
            .is_some_and(|from| from.eq_ignore_ascii_case(host))
    };
    match origin {
        Some(origin) if !ours(origin) => {
            Some("the request comes from another site's page: open the panel itself")
        }
        _ => None,
    }
}

fn is_plain(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    match name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || matches!(name.parse::<IpAddr>(), Ok(IpAddr::V4(_)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_itself_and_programs_are_let_in() {
        for host in [
            "127.0.0.1:8080",
            "localhost:1",
            "LOCALHOST",
            "[::1]:9",
            "[::1]",
            "10.0.0.5",
        ] {
            assert_eq!(refusal(Some(host), None), None, "{host}");
            let origin = format!("http://{host}");
            assert_eq!(refusal(Some(host), Some(&origin)), None, "{host}");
        }
    }

    #[test]
    fn other_sites_other_ports_and_other_names_are_refused() {
        let here = Some("127.0.0.1:8080");
        for origin in [
            "http://evil.example",
            "https://127.0.0.1:8080",
            "http://127.0.0.1:8081",
            "http://127.0.0.1",
            "http://localhost:8080",
            "null",
            "",
        ] {
            assert!(refusal(here, Some(origin)).is_some(), "{origin}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:8080",
            "[::1].x",
            "::1",
            "127.0.0.1:x",
            "",
        ] {
            assert!(refusal(Some(host), None).is_some(), "{host}");
        }
        assert!(refusal(None, None).is_some());
    }
}
