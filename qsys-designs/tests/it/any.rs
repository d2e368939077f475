//! Whatever is written into the mailbox, the plugin lives, shows something legible, and sends nothing by itself.

use contract::control;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, healthy};

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(|n| json!(n)),
        "\\PC{0,40}".prop_map(Json::from),
        Just(json!("2026-03-01T19:55:00Z")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map("[a-z_]{1,12}", inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// A healthy snapshot with some members replaced by anything.
fn mutated() -> impl Strategy<Value = String> {
    let names: Vec<String> = healthy()
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, _)| k.clone())
        .collect();
    prop::collection::vec((prop::sample::select(names), json_value()), 1..5).prop_map(|changes| {
        let mut state = healthy();
        for (name, value) in changes {
            state[name] = value;
        }
        state.to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_snapshot_is_survived(texts in prop::collection::vec(prop_oneof![mutated(), "\\PC{0,200}"], 1..4), own in any::<bool>()) {
        let mut bench = Bench::plugin(own);
        for text in texts {
            bench.write(control::STATE, &text);
            bench.pass(0.6);
            prop_assert!(bench.text("StatusText").contains(": "));
            prop_assert_eq!(bench.request(), None);
        }
        bench.assert_clean();
        bench.write(control::STATE, &healthy().to_string());
        prop_assert_eq!(bench.text("StatusText"), "OK: Everything is recorded and backed up");
    }

    #[test]
    fn any_answer_is_survived_and_only_the_right_id_clears_a_request(
        answer in json_value(), text in "\\PC{0,100}", own in any::<bool>()
    ) {
        let mut bench = Bench::plugin(own);
        bench.write(control::STATE, &healthy().to_string());
        bench.press(control::BACKUP_NOW);
        bench.write(control::ACK, &answer.to_string());
        bench.write(control::ACK, &text);
        prop_assert!(bench.request().is_some());
        bench.assert_clean();
    }

    #[test]
    fn no_typing_and_pressing_sends_a_restore_without_arm_and_confirm(
        acts in prop::collection::vec((0..8usize, "\\PC{0,20}"), 0..12), own in any::<bool>()
    ) {
        let mut bench = Bench::plugin(own);
        bench.write(control::STATE, &healthy().to_string());
        let mut armed = false;
        for (act, text) in acts {
            match act {
                0 => bench.write("RestorePoint", &text),
                1 => bench.write("RestoreMoment", &text),
                2 => bench.write("RestorePoint", "today 20:00  1 234 567 events"),
                3 => bench.write("RestoreMoment", "2026-03-01 19:00"),
                4 => bench.write("Pin", &text),
                5 => bench.press("CancelRestore"),
                6 => { bench.press("ArmRestore"); armed = true; }
                _ => bench.press("ConfirmRestore"),
            }
            if !armed {
                prop_assert_eq!(bench.request(), None);
            }
        }
        bench.assert_clean();
    }
}
