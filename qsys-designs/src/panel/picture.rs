//! A page as an SVG picture with its live state: for guides, and for people without a Core.

use std::fmt::Write;

use super::document::{Panel, PanelObject};
use crate::host::{ControlState, Shape};

/// Q-SYS's states: word and colour.
const STATES: [(&str, &str); 6] = [
    ("OK", "#1f8a46"),
    ("Compromised", "#d9822b"),
    ("Fault", "#c62f2f"),
    ("Not Present", "#8a8f98"),
    ("Missing", "#c62f2f"),
    ("Initializing", "#2f6fc6"),
];

/// Draws page `index` (from 0) with the state that `state` gives for each control name. None: no such page.
pub fn page_picture(
    panel: &Panel,
    index: usize,
    state: &dyn Fn(&str) -> Option<ControlState>,
) -> Option<String> {
    let page = panel.pages.get(index)?;
    let (w, h) = (panel.width, panel.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"Roboto, Helvetica, Arial, sans-serif\">\n<title>{}: {}</title>\n",
        escape(&panel.plugin),
        escape(&page.name)
    );
    for object in &page.objects {
        let live = object.control.as_ref().and_then(|c| state(&c.name));
        if live.as_ref().is_some_and(|s| s.look.invisible) {
            continue;
        }
        draw(&mut out, object, live.as_ref());
    }
    out += "</svg>\n";
    Some(out)
}

fn draw(out: &mut String, object: &PanelObject, live: Option<&ControlState>) {
    let disabled = live.is_some_and(|s| s.look.disabled);
    if disabled {
        out.push_str("<g opacity=\"0.4\">\n");
    }
    match (object.style.as_str(), live) {
        ("Label", _) => words(out, object, &object.text, object.ink.as_deref()),
        ("GroupBox" | "Header", _) => {
            frame(out, object, object.fill.as_deref());
            caption(out, object);
        }
        ("Led", _) => {
            let lit = live.is_some_and(|s| s.value > 0.5);
            let off = object.off.as_deref().or(Some("#d6dde2"));
            frame(out, object, if lit { object.fill.as_deref() } else { off });
        }
        ("Button", _) => {
            frame(out, object, object.fill.as_deref());
            let legend = live
                .map(|s| s.look.legend.as_str())
                .filter(|l| !l.is_empty());
            words(
                out,
                object,
                legend.unwrap_or(&object.text),
                object.ink.as_deref(),
            );
        }
        ("ListBox", Some(state)) => {
            frame(out, object, object.fill.as_deref());
            list(out, object, state);
        }
        (_, Some(state)) if state.shape == Shape::Status => {
            let (word, color) = STATES[(state.value.max(0.0) as usize).min(5)];
            frame(out, object, Some(color));
            words(
                out,
                object,
                &format!("{word} - {}", state.string),
                Some("#ffffff"),
            );
        }
        (_, Some(state)) => {
            if object.fill.is_some() {
                frame(out, object, object.fill.as_deref());
            }
            words(out, object, &state.string, object.ink.as_deref());
        }
        _ => {
            frame(out, object, object.fill.as_deref());
            words(out, object, &object.text, object.ink.as_deref());
        }
    }
    if disabled {
        out.push_str("</g>\n");
    }
}

fn frame(out: &mut String, o: &PanelObject, fill: Option<&str>) {
    let _ = writeln!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"/>",
        o.x,
        o.y,
        o.w,
        o.h,
        o.radius,
        escape(fill.unwrap_or("none")),
        escape(o.stroke.as_deref().unwrap_or("none")),
        o.stroke_width
    );
}

/// A box's caption sits at its upper edge.
fn caption(out: &mut String, o: &PanelObject) {
    let ink = o.ink.as_deref();
    line(
        out,
        o,
        &o.text,
        ink,
        o.x + 8.0,
        o.y + o.font_size + 3.0,
        "start",
    );
}

fn words(out: &mut String, o: &PanelObject, text: &str, ink: Option<&str>) {
    let size = o.font_size;
    // Widths of the fallback font, the widest of those named.
    let letter = size * if o.bold { 0.66 } else { 0.57 };
    let room = (o.w / letter).floor().max(1.0) as usize;
    let most = (o.h / (size * 1.2)).floor().max(1.0) as usize;
    // Explicit line breaks count even where words are not wrapped.
    let mut lines: Vec<String> = Vec::new();
    for part in text.split('\n') {
        if o.wrap || o.style == "Button" {
            lines.extend(wrapped(part, room));
        } else {
            lines.push(part.to_owned());
        }
    }
    lines.truncate(most);
    let height = size * 1.2 * lines.len() as f64;
    let top = match o.v_align.as_str() {
        "Top" => o.y,
        "Bottom" => o.y + o.h - height,
        _ => o.y + (o.h - height) / 2.0,
    };
    let inset = if o.fill.is_some() { 6.0 } else { 0.0 };
    let (x, anchor) = match o.h_align.as_str() {
        "Left" => (o.x + inset, "start"),
        "Right" => (o.x + o.w - inset, "end"),
        _ => (o.x + o.w / 2.0, "middle"),
    };
    for (i, text) in lines.iter().enumerate() {
        let y = top + size * (1.2 * i as f64 + 0.95);
        line(out, o, text, ink, x, y, anchor);
    }
}

fn list(out: &mut String, o: &PanelObject, state: &ControlState) {
    // Rows as high as a finger.
    let row = 44.0;
    let shown = (o.h / row).floor() as usize;
    for (i, choice) in state.look.choices.iter().take(shown).enumerate() {
        let y = o.y + row * i as f64;
        let chosen = *choice == state.string;
        let fill = if chosen { "#1f4e60" } else { "none" };
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{row}\" fill=\"{fill}\" stroke=\"#c8ced6\"/>",
            o.x, o.w
        );
        let ink = if chosen {
            Some("#ffffff")
        } else {
            o.ink.as_deref()
        };
        line(
            out,
            o,
            choice,
            ink,
            o.x + 8.0,
            y + row / 2.0 + o.font_size * 0.35,
            "start",
        );
    }
}

fn line(
    out: &mut String,
    o: &PanelObject,
    text: &str,
    ink: Option<&str>,
    x: f64,
    y: f64,
    anchor: &str,
) {
    if text.is_empty() {
        return;
    }
    let weight = if o.bold { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{weight}>{}</text>",
        o.font_size,
        escape(ink.unwrap_or("#181c22")),
        escape(text)
    );
}

fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in text.split(' ') {
        let length = current.chars().count() + 1 + word.chars().count();
        if !current.is_empty() && length > room {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current += word;
    }
    lines.push(current);
    lines
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c if (c as u32) < 0x20 => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
