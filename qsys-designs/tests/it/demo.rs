//! The demo design: its size, its names, and that the same seed gives the same evening.

use std::collections::HashSet;

use contract::control;
use qrc_sim::Kind;
use qsys_designs::{DemoOptions, demo_design};

#[test]
fn the_demo_design_has_a_believable_size() {
    let design = demo_design(&DemoOptions::default()).design;
    assert!(
        design.components.len() >= 60,
        "{} components",
        design.components.len()
    );
    assert!(
        design.control_count() >= 400,
        "{} controls",
        design.control_count()
    );
    assert!(design.named_controls.len() >= 10);
    let kinds = |wanted: &dyn Fn(&Kind) -> bool| {
        design
            .components
            .iter()
            .flat_map(|c| &c.controls)
            .filter(|c| wanted(&c.kind))
            .count()
    };
    assert!(kinds(&|k| matches!(k, Kind::Meter { .. })) >= 20);
    assert!(kinds(&|k| matches!(k, Kind::Combo { .. })) >= 5);
    assert!(kinds(&|k| matches!(k, Kind::Trigger)) >= 10);
    assert!(kinds(&|k| matches!(k, Kind::Text)) >= 10);
}

#[test]
fn names_are_unique_and_named_controls_point_somewhere() {
    let design = demo_design(&DemoOptions::default()).design;
    let mut names = HashSet::new();
    for component in &design.components {
        assert!(
            names.insert(component.name.clone()),
            "{} twice",
            component.name
        );
        let mut controls = HashSet::new();
        for control in &component.controls {
            assert!(
                controls.insert(control.name.clone()),
                "{}.{} twice",
                component.name,
                control.name
            );
        }
    }
    for named in &design.named_controls {
        let component = design
            .components
            .iter()
            .find(|c| c.name == named.component)
            .unwrap();
        assert!(
            component.controls.iter().any(|c| c.name == named.control),
            "{named:?}"
        );
    }
}

#[test]
fn the_plugin_stands_under_the_code_name_it_was_given() {
    let options = DemoOptions {
        code_name: "Rescue".into(),
        ..DemoOptions::default()
    };
    let design = demo_design(&options).design;
    let plugin = design
        .components
        .iter()
        .find(|c| c.name == "Rescue")
        .unwrap();
    assert!(
        plugin
            .type_
            .starts_with("%PLUGIN%_b8f0a1d6-5c1e-4c57-9d3a-2f6f8e1b7c40_%FP%_")
    );
    assert!(plugin.controls.iter().any(|c| c.name == control::STATE));
}
