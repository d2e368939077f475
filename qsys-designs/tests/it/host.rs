//! The host is strict where a Core is strict.

use qsys_designs::host::{Definition, LogKind, Outside};

use crate::bench::Bench;

/// A plugin with one control of each kind and the given run-time code.
fn plugin(run_time: &str) -> String {
    format!(
        r#"
PluginInfo = {{ Name = "Test", Version = "1", Id = "t" }}
function GetControls(props)
  return {{
    {{ Name = "Note", ControlType = "Text" }},
    {{ Name = "Level", ControlType = "Knob", ControlUnit = "dB", Min = -100, Max = 20 }},
    {{ Name = "Count", ControlType = "Knob", ControlUnit = "Integer", Min = 0, Max = 10 }},
    {{ Name = "Go", ControlType = "Button", ButtonType = "Trigger" }},
    {{ Name = "Hold", ControlType = "Button", ButtonType = "Toggle" }},
    {{ Name = "Lamp", ControlType = "Indicator", IndicatorType = "Led" }},
    {{ Name = "Shown", ControlType = "Indicator", IndicatorType = "Text" }},
    {{ Name = "Status", ControlType = "Indicator", IndicatorType = "Status" }},
    {{ Name = "Slot", ControlType = "Text", Count = 3 }},
  }}
end
function GetControlLayout(props) return {{}}, {{}} end
if Controls then
{run_time}
end
"#
    )
}

fn run(run_time: &str) -> Bench {
    Bench::of(&plugin(run_time), false)
}

/// Runs code and gives what it left in `Shown`.
fn shown(run_time: &str) -> String {
    let mut bench = run(run_time);
    let text = bench.text("Shown");
    let log = bench.take_log();
    assert!(log.iter().all(|l| l.kind != LogKind::Uncaught), "{log:?}");
    text
}

#[test]
fn the_definition_pass_sees_no_controls_and_leaves_no_globals_behind() {
    let source = plugin("Controls.Shown.String = tostring(Leaked)")
        .replace(
            "function GetControls",
            "assert(Controls == nil or Leaked == nil)\nfunction GetControls",
        )
        .replace("return {}, {} end", "Leaked = 1 return {}, {} end");
    let bench = Bench::of(&source, false);
    assert_eq!(bench.text("Shown"), "nil");
}

#[test]
fn an_unknown_control_is_nil_and_an_unknown_aspect_is_an_error() {
    assert_eq!(
        shown("Controls.Shown.String = tostring(Controls.Nothing)"),
        "nil"
    );
    assert_eq!(
        shown("Controls.Shown.String = tostring((pcall(function() Controls.Note.Text = 'x' end)))"),
        "false"
    );
    assert_eq!(
        shown(
            "Controls.Shown.String = tostring((pcall(function() return Controls.Note.Vlaue end)))"
        ),
        "false"
    );
    assert_eq!(
        shown("Controls.Shown.String = tostring((pcall(function() Controls.Note = 1 end)))"),
        "false"
    );
}

#[test]
fn aspects_are_coupled_and_values_are_floats() {
    let text = "
      Controls.Level.Position = 0.5
      Controls.Hold.Value = true
      Controls.Count.Value = 99
      Controls.Shown.String = table.concat({ tostring(Controls.Level.Value), Controls.Level.String,
        tostring(Controls.Hold.Boolean), tostring(Controls.Hold.Value), tostring(Controls.Count.Value) }, ' ')";
    assert_eq!(shown(text), "-40.0 -40.0dB true 1.0 10.0");
}

#[test]
fn a_status_keeps_its_string_when_its_value_changes() {
    let bench = run("Controls.Status.String = 'why'  Controls.Status.Value = 2");
    assert_eq!(
        (bench.value("Status"), bench.text("Status").as_str()),
        (2.0, "why")
    );
}

#[test]
fn array_controls_are_tables_and_named_with_a_number_outside() {
    let mut bench = run(
        "Controls.Slot[2].EventHandler = function(c) Controls.Shown.String = c.Index .. c.String end",
    );
    bench.write("Slot 2", "hello");
    assert_eq!(bench.text("Shown"), "2hello");
}

#[test]
fn outside_writes_call_handlers_and_indicators_refuse_them() {
    let mut bench =
        run("Controls.Level.EventHandler = function(c) Controls.Shown.String = c.String end");
    bench.set("Level", -6.0);
    assert_eq!(bench.text("Shown"), "-6.00dB");
    assert!(!bench.runtime.outside("Lamp", &Outside::Value(1.0)));
    assert!(!bench.runtime.outside("Nothing", &Outside::Value(1.0)));
    assert_eq!(bench.value("Lamp"), 0.0);
}

#[test]
fn a_trigger_runs_its_handler_for_each_press_and_stores_nothing() {
    let mut bench = run("Presses = 0  Controls.Go.EventHandler = function(c)
        Presses = Presses + 1  Controls.Shown.String = Presses .. ' ' .. tostring(c.Value) end");
    bench.press("Go");
    bench.press("Go");
    assert_eq!(bench.text("Shown"), "2 0.0");
}

#[test]
fn own_writes_call_the_own_handler_only_in_the_second_mode() {
    let source = plugin(
        "Calls = 0
         Controls.Note.EventHandler = function() Calls = Calls + 1  Controls.Shown.String = tostring(Calls) end
         Controls.Hold.EventHandler = function() Controls.Note.String = 'a' end",
    );
    let mut quiet = Bench::of(&source, false);
    quiet.set("Hold", 1.0);
    assert_eq!(quiet.text("Shown"), "");
    let mut chatty = Bench::of(&source, true);
    chatty.set("Hold", 1.0);
    assert_eq!(chatty.text("Shown"), "1");
}

#[test]
fn a_restart_resets_indicators_and_keeps_text_buttons_and_knobs() {
    let mut bench = run("if Controls.Note.String == 'kept' then return end
        Controls.Lamp.Boolean = true  Controls.Shown.String = 'on'");
    bench.write("Note", "kept");
    bench.set("Level", -3.0);
    bench.set("Hold", 1.0);
    assert_eq!(
        (bench.value("Lamp"), bench.text("Shown").as_str()),
        (1.0, "on")
    );
    bench.restart();
    assert_eq!(
        (bench.value("Lamp"), bench.text("Shown").as_str()),
        (0.0, "")
    );
    assert_eq!(
        (
            bench.text("Note").as_str(),
            bench.value("Level"),
            bench.value("Hold")
        ),
        ("kept", -3.0, 1.0)
    );
}

#[test]
fn a_timer_held_only_in_a_local_goes_quiet() {
    let counting = "function() Count = Count + 1  Controls.Shown.String = tostring(Count) end";
    let mut kept = run(&format!(
        "Count = 0  Kept = Timer.New()  Kept.EventHandler = {counting}  Kept:Start(1)"
    ));
    kept.pass(5.1);
    assert_eq!(kept.text("Shown"), "5");
    let mut lost = run(&format!(
        "Count = 0  do local t = Timer.New()  t.EventHandler = {counting}  t:Start(1) end"
    ));
    lost.pass(5.1);
    assert_eq!(lost.text("Shown"), "");
}

#[test]
fn call_after_runs_once_and_its_error_is_not_swallowed() {
    let mut bench = run(
        "Timer.CallAfter(function() Controls.Shown.String = Controls.Shown.String .. 'x'  error('late') end, 1)",
    );
    bench.pass(3.0);
    assert_eq!(bench.text("Shown"), "x");
    let log = bench.take_log();
    assert!(
        log.iter()
            .any(|l| l.kind == LogKind::Uncaught && l.text.contains("late")),
        "{log:?}"
    );
}

#[test]
fn an_endless_loop_is_stopped_even_under_pcall_and_the_script_is_dead() {
    let mut bench = run("Controls.Go.EventHandler = function() while true do pcall(function() while true do end end) end end
        Controls.Hold.EventHandler = function() Controls.Shown.String = 'still alive' end");
    bench.press("Go");
    assert!(
        bench
            .runtime
            .dead()
            .is_some_and(|why| why.contains("execution limit"))
    );
    bench.set("Hold", 1.0);
    assert_eq!(bench.text("Shown"), "");
}

#[test]
fn an_endless_loop_in_a_coroutine_is_stopped_too() {
    let mut bench = run("Controls.Go.EventHandler = function()
        local co = coroutine.wrap(function() while true do end end)  while true do pcall(co) end end");
    bench.press("Go");
    assert!(bench.runtime.dead().is_some());
}

#[test]
fn an_error_at_load_leaves_a_dead_script_that_says_why() {
    let bench = run("error('no good')");
    assert!(
        bench
            .runtime
            .dead()
            .is_some_and(|why| why.contains("no good"))
    );
}

#[test]
fn an_error_in_a_handler_is_logged_and_others_go_on() {
    let mut bench = run("Controls.Go.EventHandler = function() error('oops') end
        Controls.Hold.EventHandler = function() Controls.Shown.String = 'alive' end");
    bench.press("Go");
    bench.set("Hold", 1.0);
    assert_eq!(bench.text("Shown"), "alive");
    assert!(
        bench
            .take_log()
            .iter()
            .any(|l| l.kind == LogKind::Uncaught && l.text.contains("oops"))
    );
}

#[test]
fn the_sandbox_has_no_way_out() {
    for name in [
        "os.execute",
        "os.exit",
        "os.getenv",
        "debug",
        "dofile",
        "loadfile",
        "package",
        "string.dump",
    ] {
        assert_eq!(
            shown(&format!("Controls.Shown.String = tostring({name})")),
            "nil",
            "{name}"
        );
    }
    assert_eq!(
        shown("Controls.Shown.String = tostring((io.open('/etc/passwd')))"),
        "nil"
    );
    assert_eq!(
        shown("Controls.Shown.String = tostring((pcall(require, 'socket')))"),
        "false"
    );
    assert_eq!(
        shown("Controls.Shown.String = tostring((load('\\27Lua', 'x', 'b')))"),
        "nil"
    );
}

#[test]
fn memory_is_bounded() {
    let bench = run("local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000000) .. i end");
    assert!(bench.runtime.dead().is_some());
}

#[test]
fn json_is_as_the_core_gives_it() {
    let code = "
      local json = require('rapidjson')
      local doc = json.decode('{\"a\":[1,2.5,null],\"e\":{},\"l\":[]}')
      local bad, why = json.decode('{')
      Controls.Shown.String = table.concat({ math.type(doc.a[1]), math.type(doc.a[2]), tostring(doc.a[3] == json.null),
        tostring(not not json.null), tostring(bad), type(why), json.encode({}), json.encode(json.array()),
        json.encode(doc), json.encode({1, 2}), tostring((pcall(json.encode, print))), tostring((pcall(json.encode, 0/0))) }, ' ')";
    assert_eq!(
        shown(code),
        "integer float true true nil string {} [] {\"a\":[1,2.5,null],\"e\":{},\"l\":[]} [1,2] false false"
    );
    let ring = "local t = {} t.t = t  Controls.Shown.String = tostring((pcall(require('rapidjson').encode, t)))";
    assert_eq!(shown(ring), "false");
}

#[test]
fn notifications_reach_subscribers_and_refuse_publishing_inside_one() {
    let mut bench = run("Notifications.Subscribe('x', function(_, data)
          Controls.Shown.String = data .. tostring((pcall(Notifications.Publish, 'x', 'again'))) end)
        Notifications.Publish('x', 'hello')");
    bench.settle();
    assert_eq!(bench.text("Shown"), "hellofalse");
}

#[test]
fn properties_are_read_only_and_typos_in_globals_are_found() {
    let source = plugin("Controls.Shown.String = tostring((pcall(function() Properties.Depth.Value = 1 end))) .. Properties.Depth.Value
        if Contorls then error('x') end")
        .replace("function GetControls", "function GetProperties() return {{ Name = 'Depth', Type = 'integer', Value = 3 }} end\nfunction GetControls");
    let bench = Bench::of(&source, false);
    assert_eq!(bench.text("Shown"), "false3");
    assert_eq!(
        bench.runtime.undefined_globals(),
        vec!["Contorls".to_owned()]
    );
}

#[test]
fn a_definition_that_designer_would_refuse_is_an_error_with_place_found_and_expected() {
    for (from, to, told) in [
        (
            "ButtonType = \"Toggle\"",
            "ButtonType = \"Push\"",
            "Hold.ButtonType: found Push, expected Toggle, Momentary",
        ),
        (
            "Min = -100, Max = 20",
            "Min = -200, Max = 20",
            "Level: found -200..20, expected a range within -100..20",
        ),
        (
            "ControlType = \"Text\" }",
            "ControlType = \"Label\" }",
            "Note.ControlType: found Label",
        ),
        ("Min = 0, Max = 10", "Min = 0", "Count: found no Min or Max"),
    ] {
        let error = Definition::read("p", &plugin("").replacen(from, to, 1), &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    }
    let error = Definition::read("p", "PluginInfo = {", &[])
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("p: "), "{error}");
}
