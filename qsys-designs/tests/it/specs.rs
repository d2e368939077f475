//! Runs the Lua specs over the built plugin, each case in both event modes on a fresh bench.

use std::path::{Path, PathBuf};

use contract::control;
use mlua::{Function, Lua, LuaSerdeExt, Table, UserData, UserDataMethods, Value};

use crate::bench::{Bench, healthy};

struct SpecBench(Bench);

impl UserData for SpecBench {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method_mut("press", |_, b, name: String| {
            b.0.press(&name);
            Ok(())
        });
        methods.add_method_mut("write", |_, b, (name, text): (String, String)| {
            b.0.write(&name, &text);
            Ok(())
        });
        methods.add_method_mut("set", |_, b, (name, value): (String, f64)| {
            b.0.set(&name, value);
            Ok(())
        });
        // A snapshot: the healthy one with the given members put over it.
        methods.add_method_mut("snapshot", |lua, b, over: Option<Table>| {
            let mut state = healthy();
            if let Some(over) = over {
                let over: serde_json::Value = lua.from_value(Value::Table(over))?;
                for (key, value) in over.as_object().into_iter().flatten() {
                    state[key] = value.clone();
                }
            }
            b.0.write(control::STATE, &state.to_string());
            Ok(())
        });
        methods.add_method_mut("ack", |lua, b, answer: Table| {
            let answer: serde_json::Value = lua.from_value(Value::Table(answer))?;
            b.0.write(control::ACK, &answer.to_string());
            Ok(())
        });
        methods.add_method_mut("beat", |_, b, ()| {
            let next = b.0.value(control::HEARTBEAT) + 1.0;
            b.0.set(control::HEARTBEAT, next);
            Ok(())
        });
        methods.add_method_mut("live", |_, b, seconds: u32| {
            for _ in 0..seconds {
                b.0.pass(1.0);
                let next = b.0.value(control::HEARTBEAT) + 1.0;
                b.0.set(control::HEARTBEAT, next);
            }
            Ok(())
        });
        methods.add_method_mut("pass", |_, b, seconds: f64| {
            b.0.pass(seconds);
            Ok(())
        });
        methods.add_method_mut("restart", |_, b, ()| {
            b.0.restart();
            Ok(())
        });
        methods.add_method("text", |_, b, name: String| Ok(b.0.text(&name)));
        methods.add_method("value", |_, b, name: String| Ok(b.0.value(&name)));
        methods.add_method("disabled", |_, b, name: String| Ok(b.0.disabled(&name)));
        methods.add_method("legend", |_, b, name: String| {
            Ok(b.0.runtime.control(&name).map(|c| c.look.legend))
        });
        methods.add_method("choices", |_, b, name: String| {
            Ok(b.0.runtime.control(&name).map(|c| c.look.choices))
        });
        methods.add_method("request", |lua, b, ()| match b.0.request() {
            Some(request) => lua.to_value(&request),
            None => Ok(Value::Nil),
        });
        methods.add_method_mut("errors", |_, b, ()| {
            let log = b.0.take_log();
            let errors = log
                .into_iter()
                .filter(|l| l.kind == qsys_designs::host::LogKind::Error);
            Ok(errors.map(|l| l.text).collect::<Vec<_>>())
        });
    }
}

fn spec_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("_spec.lua"))
        .collect();
    files.sort();
    files
}

/// Reads a spec file's cases: `describe` gives names, `it` gives functions of a bench.
fn cases(lua: &Lua, path: &Path) -> mlua::Result<Vec<(String, Function)>> {
    let list = lua.create_table()?;
    lua.globals().set("cases", list.clone())?;
    lua.load(
        "local subject = ''
         function describe(name, body) local before = subject  subject = subject .. name .. ' '  body()  subject = before end
         function it(name, body) cases[#cases + 1] = { name = subject .. name, body = body } end
         function same(found, expected, what)
           if found ~= expected then
             error(string.format('%sfound %q, expected %q', what and what .. ': ' or '', tostring(found), tostring(expected)), 2)
           end
         end
         function has(text, part)
           if not tostring(text):find(part, 1, true) then
             error(string.format('found %q, expected it to hold %q', tostring(text), part), 2)
           end
         end
         function proof(pin, request) return pinproof(pin, request.id, request.kind, request.pointId or request.moment or '', request.at) end",
    )
    .exec()?;
    let proof = |_: &Lua, (pin, id, kind, target, at): (String, String, String, String, String)| {
        Ok(contract::pin_proof(&pin, &id, &kind, &target, &at))
    };
    lua.globals().set("pinproof", lua.create_function(proof)?)?;
    lua.load(path.to_path_buf()).exec()?;
    list.sequence_values::<Table>()
        .map(|case| {
            let case = case?;
            Ok((case.get("name")?, case.get("body")?))
        })
        .collect()
}

#[test]
fn the_plugins_lua_specs_hold_in_both_event_modes() {
    let mut failures = Vec::new();
    let mut ran = 0;
    for path in spec_files("plugin/spec") {
        let lua = Lua::new();
        for (name, body) in cases(&lua, &path).unwrap() {
            for own_writes_fire in [false, true] {
                ran += 1;
                let bench = lua
                    .create_userdata(SpecBench(Bench::plugin(own_writes_fire)))
                    .unwrap();
                let result = body.call::<()>(bench.clone());
                if let Err(error) = result {
                    failures.push(format!(
                        "{name} (own writes fire: {own_writes_fire}): {error}"
                    ));
                }
                bench.borrow_mut::<SpecBench>().unwrap().0.assert_clean();
            }
        }
    }
    assert!(ran >= 20, "{ran} cases: are the specs found?");
    assert!(
        failures.is_empty(),
        "{} of {ran} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
