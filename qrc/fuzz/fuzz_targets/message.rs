//! Any bytes as a frame: parsed or refused, never a panic. What is parsed is then read as every
//! payload that a Core may send.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qrc::method::change_group::Changes;
use qrc::method::session::EngineStatus;
use qrc::method::{Method, component, control, loop_player, pa};
use qrc::{Incoming, Value};
use serde_json::value::RawValue;

fn payload(json: Option<&RawValue>) {
    let text = json.map_or("null", RawValue::get);
    if let Ok(changes) = serde_json::from_str::<Changes>(text) {
        for change in &changes.changes {
            let number = change.reading.value.as_ref().and_then(Value::as_number);
            assert!(number.is_none_or(|number| !number.is_nan()));
        }
    }
    let _ = serde_json::from_str::<EngineStatus>(text);
    let _ = serde_json::from_str::<loop_player::JobError>(text);
    let _ = serde_json::from_str::<pa::PageStatus>(text);
    let _ = serde_json::from_str::<pa::ZoneStatus>(text);
    let _ = pa::GetConfig::reply(json);
    let _ = component::GetComponents::reply(json);
    let _ = component::GetControls::reply(json);
    let _ = component::Get::reply(json);
    let _ = component::Set::reply(json);
    let _ = control::Get::reply(json);
    let _ = control::Set::reply(json);
}

fuzz_target!(|data: &[u8]| {
    match Incoming::parse(data) {
        Ok(Incoming::Notification { params, .. }) => payload(params),
        Ok(Incoming::Response { outcome, .. }) => {
            if let Ok(result) = outcome {
                payload(result);
            }
        }
        Ok(_) | Err(_) => {}
    }
});
