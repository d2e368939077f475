//! The built file as Designer would read it.

use std::collections::{BTreeMap, HashSet};

use qsys_designs::built_plugin;
use qsys_designs::host::{Definition, Page, PropertyValue};
use serde_json::Value as Json;

const PAGE: [f64; 2] = [960.0, 520.0];

fn definition() -> Definition {
    Definition::read("built", &built_plugin(), &[]).unwrap()
}

fn pair(item: &Json, key: &str) -> [f64; 2] {
    let list = item[key]
        .as_array()
        .unwrap_or_else(|| panic!("no {key} in {item}"));
    assert_eq!(list.len(), 2, "{key} of {item}");
    [list[0].as_f64().unwrap(), list[1].as_f64().unwrap()]
}

#[test]
fn no_include_marker_is_left_in_the_built_file() {
    let text = built_plugin();
    assert!(!text.contains("#include") && !text.contains("#encode"));
    assert!(text.len() < 200_000, "{} bytes", text.len());
}

#[test]
fn plugin_info_has_what_designer_requires() {
    let definition = definition();
    for key in [
        "Name",
        "Version",
        "BuildVersion",
        "Id",
        "Author",
        "Description",
    ] {
        assert!(!definition.info_text(key).is_empty(), "PluginInfo.{key}");
    }
    // Another Id would be another plugin: existing designs would keep the old one for ever.
    assert_eq!(
        definition.info_text("Id"),
        "b8f0a1d6-5c1e-4c57-9d3a-2f6f8e1b7c40"
    );
    assert!(
        definition
            .pretty_name
            .contains(definition.info_text("Version"))
    );
    assert_eq!(definition.color.len(), 3);
}

#[test]
fn control_names_are_legal_and_unique() {
    let mut seen = HashSet::new();
    for control in definition().controls {
        let name = &control.name;
        assert!(name.chars().next().unwrap().is_ascii_uppercase(), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        assert!(seen.insert(name.clone()), "{name} twice");
        assert_eq!(
            control.count, 1,
            "{name}: arrays change shape with their count"
        );
        for reserved in [
            "IPAddress",
            "MACAddress",
            "Username",
            "Password",
            "DeviceName",
            "SerialNumber",
        ] {
            assert_ne!(name, reserved);
        }
    }
}

#[test]
fn every_control_is_laid_out_and_every_layout_names_a_control() {
    let definition = definition();
    let names: HashSet<_> = definition.controls.iter().map(|c| c.name.clone()).collect();
    let mut laid_out = HashSet::new();
    for page in &definition.pages {
        for name in page.layout.keys() {
            assert!(
                names.contains(name),
                "page {} lays out `{name}`, which is no control",
                page.name
            );
            laid_out.insert(name.clone());
        }
    }
    let forgotten: Vec<_> = names.difference(&laid_out).collect();
    assert!(forgotten.is_empty(), "on no page: {forgotten:?}");
}

#[test]
fn everything_lies_within_the_page_and_nothing_overlaps() {
    for page in definition().pages {
        for item in page.layout.values().chain(&page.graphics) {
            let ([x, y], [w, h]) = (pair(item, "Position"), pair(item, "Size"));
            assert!(
                x >= 0.0 && y >= 0.0 && w > 0.0 && h > 0.0,
                "{}: {item}",
                page.name
            );
            assert!(
                x + w <= PAGE[0] && y + h <= PAGE[1],
                "{}: {item}",
                page.name
            );
        }
        no_overlap(&page);
    }
}

#[test]
fn every_object_of_a_page_has_a_z_order_since_designer_wants_all_or_none() {
    for page in definition().pages {
        for item in page.layout.values().chain(&page.graphics) {
            assert!(item["ZOrder"].is_number(), "{}: {item}", page.name);
        }
    }
}

fn no_overlap(page: &Page) {
    let shown: Vec<_> = page
        .layout
        .iter()
        .filter(|(_, item)| item["Style"] != "None")
        .collect();
    for (i, (name, item)) in shown.iter().enumerate() {
        for (other_name, other) in &shown[i + 1..] {
            let ([x, y], [w, h]) = (pair(item, "Position"), pair(item, "Size"));
            let ([ox, oy], [ow, oh]) = (pair(other, "Position"), pair(other, "Size"));
            let apart = x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y;
            assert!(apart, "{}: {name} lies over {other_name}", page.name);
        }
    }
}

#[test]
fn whatever_a_finger_touches_is_at_least_44_pixels_wide_and_high() {
    let definition = definition();
    let touched: HashSet<_> = definition
        .controls
        .iter()
        .filter(|c| matches!(c.control_type.as_str(), "Button" | "Text" | "Knob"))
        .map(|c| c.name.clone())
        .collect();
    for page in &definition.pages {
        for (name, item) in page
            .layout
            .iter()
            .filter(|(n, i)| touched.contains(*n) && i["Style"] != "None")
        {
            let [w, h] = pair(item, "Size");
            assert!(w >= 44.0 && h >= 44.0, "{name} is {w} x {h}");
        }
    }
}

#[test]
fn styles_and_button_kinds_are_designers_own() {
    const STYLES: [&str; 10] = [
        "Fader", "Knob", "Button", "Text", "Meter", "Led", "ListBox", "ComboBox", "Media", "None",
    ];
    let definition = definition();
    let kinds: BTreeMap<_, _> = definition
        .controls
        .iter()
        .map(|c| (c.name.clone(), c))
        .collect();
    for page in &definition.pages {
        for (name, item) in &page.layout {
            let style = item["Style"].as_str().unwrap();
            assert!(STYLES.contains(&style), "{name}: {style}");
            if style == "Button" {
                assert_eq!(
                    item["ButtonStyle"].as_str().unwrap(),
                    kinds[name].variant,
                    "{name}"
                );
            }
        }
        for graphic in &page.graphics {
            let kind = graphic["Type"].as_str().unwrap();
            assert!(
                ["Label", "GroupBox", "Header", "Image", "Svg"].contains(&kind),
                "{kind}"
            );
        }
    }
}

#[test]
fn the_mailbox_is_there_hidden_and_writable() {
    let definition = definition();
    for (name, kind) in [
        ("AgentStateJson", "Text"),
        ("RequestJson", "Text"),
        ("AckJson", "Text"),
        ("Heartbeat", "Knob"),
    ] {
        let control = definition.controls.iter().find(|c| c.name == name).unwrap();
        assert_eq!(control.control_type, kind);
        for page in &definition.pages {
            assert_eq!(page.layout[name]["Style"], "None");
            assert!(page.layout[name].get("IsReadOnly").is_none(), "{name}");
        }
    }
    let beat = definition
        .controls
        .iter()
        .find(|c| c.name == "Heartbeat")
        .unwrap();
    assert_eq!((beat.min, beat.max), (0.0, 999_999_999.0));
}

#[test]
fn every_page_draws_with_the_setup_page_hidden_too() {
    for off in [PropertyValue::Bool(false), PropertyValue::Text("No".into())] {
        let hidden = [("Show Setup Page", off)];
        let definition = Definition::read("built", &built_plugin(), &hidden).unwrap();
        let names: Vec<_> = definition.pages.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["Status", "Restore"]);
        // Its readouts stay on the other pages, hidden, so that QRC finds them all the same.
        assert_eq!(definition.pages[0].layout["ProblemText"]["Style"], "None");
    }
}

#[test]
fn the_readme_lists_every_control_and_the_version() {
    let readme = include_str!("../../README.md");
    let definition = definition();
    for control in &definition.controls {
        let is_slot = control.name.starts_with("RangeSlot");
        assert!(
            is_slot || readme.contains(&format!("`{}`", control.name)),
            "{}",
            control.name
        );
    }
    let title = format!("## Controls, version {}", definition.info_text("Version"));
    assert!(
        readme.contains(&title),
        "raise the version in the README too"
    );
}

#[test]
fn fixed_words_fit_into_their_place() {
    for page in definition().pages {
        let graphics = page.graphics.iter().map(|g| (g, "Text"));
        let legends = page.layout.values().map(|item| (item, "Legend"));
        for (item, key) in graphics.chain(legends) {
            let words = item[key].as_str().unwrap_or("");
            let size = item["FontSize"].as_f64().unwrap_or(12.0);
            let letter = if item["IsBold"] == true { 0.56 } else { 0.51 };
            let [width, _] = pair(item, "Size");
            let needed = words.chars().count() as f64 * size * letter;
            assert!(
                needed <= width,
                "{}: {words:?} needs {needed:.0} of {width} px",
                page.name
            );
        }
    }
}
