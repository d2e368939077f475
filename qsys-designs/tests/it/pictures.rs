//! The panel as data and as pictures: what is drawn is what the layout says, and the guide shows the present panel.

use std::path::Path;

use contract::control;
use qsys_designs::host::Definition;
use qsys_designs::panel::{Panel, PanelAct, PanelActError, act_on_panel, page_picture};
use qsys_designs::{DemoOptions, built_plugin, demo_design, example_pictures};

use crate::bench::{Bench, healthy};

fn panel() -> Panel {
    Panel::of(&Definition::read("built", &built_plugin(), &[]).unwrap())
}

#[test]
fn the_document_has_every_page_with_its_objects_in_drawing_order() {
    let panel = panel();
    let names: Vec<_> = panel.pages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["Status", "Restore", "Setup"]);
    assert_eq!((panel.width, panel.height), (960.0, 520.0));
    let json = serde_json::to_value(&panel).unwrap();
    let objects = json["pages"][0]["objects"].as_array().unwrap();
    assert_eq!(
        objects[0]["style"], "GroupBox",
        "the page's frame lies under everything"
    );
    let press = objects
        .iter()
        .find(|o| o["control"]["name"] == control::BACKUP_NOW)
        .unwrap();
    assert_eq!(press["text"], "Backup now");
    assert_eq!(press["control"]["variant"], "Trigger");
    assert!(
        objects
            .iter()
            .all(|o| o["control"]["name"] != control::REQUEST),
        "mailboxes are hidden"
    );
}

#[test]
fn texts_cannot_break_out_of_the_picture() {
    let mut bench = Bench::plugin(false);
    let mut state = healthy();
    state["text"] = serde_json::json!("<script>&\"x\"</script>");
    bench.write(control::STATE, &state.to_string());
    let svg = page_picture(&panel(), 0, &|name| bench.runtime.control(name)).unwrap();
    assert!(svg.contains("&lt;script&gt;&amp;&quot;x&quot;") && !svg.contains("<script"));
    assert!(page_picture(&panel(), 9, &|_| None).is_none());
}

#[test]
fn the_guides_pictures_show_the_present_panel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (name, svg) in example_pictures().unwrap() {
        let kept = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(
            kept == svg,
            "docs/{name} is out of date: run `cargo run -p qsys-designs --bin draw-panel`"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn acts_on_the_panel_are_checked_as_a_panel_checks_them() {
    let demo = demo_design(&DemoOptions {
        churn_per_second: 0.0,
        ..DemoOptions::default()
    });
    let core = qrc_sim::Core::new(demo.design, qrc_sim::CoreOptions::emulator());
    for script in demo.scripts {
        core.add_script(script);
    }
    let act = |control: &str, act: PanelAct| {
        core.with_controls(|c| act_on_panel(c, control::CODE_NAME, &demo.view, control, &act))
    };
    let name = |text: &str| text.to_owned();
    assert_eq!(
        act("Nothing", PanelAct::Press),
        Err(PanelActError::Unknown(name("Nothing")))
    );
    assert_eq!(
        act("Status", PanelAct::Value(0.0)),
        Err(PanelActError::Indicator(name("Status")))
    );
    assert_eq!(
        act(control::BACKUP_NOW, PanelAct::Press),
        Err(PanelActError::Disabled(name(control::BACKUP_NOW))),
        "no agent yet"
    );
    assert_eq!(act("RestoreMoment", PanelAct::Text("x".into())), Ok(()));
    assert_eq!(act(control::HEARTBEAT, PanelAct::Value(4.0)), Ok(()));
    assert!(matches!(
        act("Pin", PanelAct::Press),
        Err(PanelActError::Unfit(..))
    ));
}
