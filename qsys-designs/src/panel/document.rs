//! Turns a layout into objects to draw: a list for each page, in drawing order. Reads and writes nothing.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::host::{ControlDef, Definition};

/// The whole panel of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Panel {
    /// Version of this document's shape.
    pub version: u32,
    /// `PluginInfo.Name`.
    pub plugin: String,
    /// `PluginInfo.Version`.
    pub plugin_version: String,
    /// Width in pixels that all pages need.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// The pages; the first is open at the start.
    pub pages: Vec<PanelPage>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelPage {
    /// Name on the tab.
    pub name: String,
    /// What to draw, lowest first.
    pub objects: Vec<PanelObject>,
}

/// The control behind an object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelControl {
    /// Its name over QRC, `Name` or `Name 2`.
    pub name: String,
    /// `Button`, `Knob`, `Indicator` or `Text`.
    pub kind: String,
    /// Button type, indicator type or unit.
    pub variant: String,
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
}

/// A button's picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelIcon {
    /// `Icon`: one of Designer's own, by name; `SVG` or `Image`: the picture itself.
    pub kind: String,
    /// The name, or base64.
    pub data: String,
}

/// Something on a page: a graphic, or a control in a style. Colours are `#rrggbb` or `#rrggbbaa`.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct PanelObject {
    /// None for graphics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<PanelControl>,
    /// Graphic type (`Label`, `GroupBox`, …) or control style (`Button`, `Text`, `Led`, …).
    pub style: String,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
    /// Text of a graphic, legend of a button.
    pub text: String,
    /// Background, or the lit colour of an LED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<String>,
    /// Unlit colour, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// Text colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ink: Option<String>,
    /// Border colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stroke: Option<String>,
    /// Border width.
    pub stroke_width: f64,
    /// Corner radius.
    pub radius: f64,
    /// Text size in pixels.
    pub font_size: f64,
    /// Bold text.
    pub bold: bool,
    /// `Left`, `Center` or `Right`.
    pub h_align: String,
    /// `Top`, `Center` or `Bottom`.
    pub v_align: String,
    /// Break lines.
    pub wrap: bool,
    /// People cannot change it.
    pub read_only: bool,
    /// Name of the pin and tooltip.
    pub pretty_name: String,
    /// CSS class on a UCI.
    pub class_name: String,
    /// `ButtonStyle`: what a finger does; empty: as the control's type says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub button_style: String,
    /// What a `Custom` button writes when pressed and when released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<(String, String)>,
    /// Family of the text; empty: the Core's default, Roboto.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub font: String,
    /// Space between border and text.
    pub padding: f64,
    /// Background of a meter or fader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<String>,
    /// A fader or knob shows its value in words too.
    pub show_text: bool,
    /// Style of the font as its maker spells it, `Semibold` or `Light Italic`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub font_style: String,
    /// A button that looks like glass.
    pub gloss: bool,
    /// A button's picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<PanelIcon>,
    /// The colour that an icon is to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_color: Option<String>,
    /// `MeterStyle`: where a meter's bar begins.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub meter: String,
    /// Base64 of an `Image` or `Svg` graphic.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
}

impl Panel {
    /// The panel that a definition describes. Hidden controls (`Style` `None`) are left out.
    pub fn of(definition: &Definition) -> Panel {
        let pages: Vec<PanelPage> = definition
            .pages
            .iter()
            .map(|page| {
                let graphics = page.graphics.iter().filter_map(Json::as_object);
                let controls = page.layout.iter().filter_map(|(name, item)| {
                    let def = def_of(definition, name)?;
                    Some((def, control_of(def, name), item.as_object()?))
                });
                let mut objects: Vec<(f64, PanelObject)> = graphics
                    .map(|item| (number(item, "ZOrder", 0.0), graphic(item)))
                    .chain(controls.map(|(def, control, item)| {
                        let drawn = PanelObject {
                            icon: icon_of(def),
                            ..control_object(control, item)
                        };
                        (number(item, "ZOrder", 0.0), drawn)
                    }))
                    .filter(|(_, object)| object.style != "None")
                    .collect();
                objects.sort_by(|a, b| a.0.total_cmp(&b.0));
                PanelPage {
                    name: page.name.clone(),
                    objects: objects.into_iter().map(|(_, object)| object).collect(),
                }
            })
            .collect();
        let objects = || pages.iter().flat_map(|page| &page.objects);
        Panel {
            version: 1,
            plugin: definition.info_text("Name").into(),
            plugin_version: definition.info_text("Version").into(),
            width: objects().map(|o| o.x + o.w).fold(0.0, f64::max),
            height: objects().map(|o| o.y + o.h).fold(0.0, f64::max),
            pages,
        }
    }
}

fn def_of<'a>(definition: &'a Definition, outside: &str) -> Option<&'a ControlDef> {
    let named = |def: &&ControlDef| (1..=def.count).any(|i| def.outside_name(i) == outside);
    definition.controls.iter().find(named)
}

fn icon_of(def: &ControlDef) -> Option<PanelIcon> {
    let (kind, data) = (def.icon_type.clone(), def.icon.clone());
    (!data.is_empty()).then_some(PanelIcon { kind, data })
}

fn control_of(def: &ControlDef, outside: &str) -> PanelControl {
    PanelControl {
        name: outside.into(),
        kind: def.control_type.clone(),
        variant: def.variant.clone(),
        min: def.min,
        max: def.max,
    }
}

/// What graphics and controls have in common.
fn object(item: &Map<String, Json>, style: &str) -> PanelObject {
    let (x, y) = pair(item, "Position");
    let (w, h) = pair(item, "Size");
    let margin = number(item, "Margin", 0.0).clamp(0.0, w.min(h).max(0.0) / 2.0);
    let (x, y) = (x + margin, y + margin);
    let (w, h) = (w - 2.0 * margin, h - 2.0 * margin);
    PanelObject {
        style: style.into(),
        x,
        y,
        w,
        h,
        stroke: color(item, "StrokeColor"),
        stroke_width: number(item, "StrokeWidth", 1.0),
        radius: number(item, "CornerRadius", number(item, "Radius", 0.0)),
        font_size: number(item, "FontSize", 12.0),
        bold: flag(item, "IsBold"),
        h_align: text(item, "HTextAlign", "Center"),
        v_align: text(item, "VTextAlign", "Center"),
        wrap: flag(item, "WordWrap"),
        font: text(item, "Font", ""),
        font_style: text(item, "FontStyle", ""),
        padding: number(item, "Padding", 1.0),
        ..PanelObject::default()
    }
}

fn graphic(item: &Map<String, Json>) -> PanelObject {
    PanelObject {
        text: text(item, "Text", ""),
        fill: color(item, "Fill"),
        ink: color(item, "Color"),
        image: text(item, "Image", ""),
        ..object(item, &text(item, "Type", "Label"))
    }
}

fn control_object(control: PanelControl, item: &Map<String, Json>) -> PanelObject {
    let plain = text(item, "TextBoxStyle", "Normal") == "NoBackground";
    PanelObject {
        control: Some(control),
        text: text(item, "Legend", ""),
        fill: if plain { None } else { color(item, "Color") },
        off: color(item, "OffColor").filter(|_| flag(item, "UnlinkOffColor")),
        ink: color(item, "TextColor"),
        read_only: flag(item, "IsReadOnly"),
        pretty_name: text(item, "PrettyName", ""),
        class_name: text(item, "ClassName", ""),
        button_style: text(item, "ButtonStyle", ""),
        custom: item
            .contains_key("CustomButtonDown")
            .then(|| ["CustomButtonDown", "CustomButtonUp"].map(|key| text(item, key, "")))
            .map(|[down, up]| (down, up)),
        background: color(item, "BackgroundColor"),
        gloss: text(item, "ButtonVisualStyle", "") == "Gloss",
        icon_color: color(item, "IconColor"),
        meter: text(item, "MeterStyle", ""),
        show_text: item
            .get("ShowTextbox")
            .and_then(Json::as_bool)
            .unwrap_or(true),
        ..object(item, &text(item, "Style", "Text"))
    }
}

fn pair(item: &Map<String, Json>, key: &str) -> (f64, f64) {
    let at = |i: usize| item.get(key).and_then(|v| v.get(i)).and_then(Json::as_f64);
    (at(0).unwrap_or(0.0), at(1).unwrap_or(0.0))
}

fn number(item: &Map<String, Json>, key: &str, default: f64) -> f64 {
    item.get(key).and_then(Json::as_f64).unwrap_or(default)
}

fn flag(item: &Map<String, Json>, key: &str) -> bool {
    item.get(key).and_then(Json::as_bool).unwrap_or(false)
}

fn text(item: &Map<String, Json>, key: &str, default: &str) -> String {
    item.get(key)
        .and_then(Json::as_str)
        .unwrap_or(default)
        .into()
}

fn color(item: &Map<String, Json>, key: &str) -> Option<String> {
    let parts = item.get(key)?.as_array()?;
    if !(3..=4).contains(&parts.len()) {
        return None;
    }
    let mut out = String::from("#");
    for part in parts {
        out += &format!("{:02x}", part.as_f64()?.clamp(0.0, 255.0) as u8);
    }
    Some(out)
}
