//! The `rapidjson` module: JSON in and out of Lua, with a truthy null and marked arrays.

use mlua::{Lua, MultiValue, Table, Value};
use serde_json::{Map, Number, Value as Json};

/// Deeper nesting is refused in both directions.
const MAX_DEPTH: usize = 128;

/// Makes the module table for `require("rapidjson")`.
pub(crate) fn module(lua: &Lua) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.set("_NAME", "rapidjson")?;
    module.set("null", Value::NULL)?;
    let array_mark = lua.create_table()?;
    array_mark.set("__jsontype", "array")?;
    let object_mark = lua.create_table()?;
    object_mark.set("__jsontype", "object")?;
    for (name, mark) in [("array", &array_mark), ("object", &object_mark)] {
        let mark = mark.clone();
        let make = lua.create_function(move |lua, table: Option<Table>| {
            let table = match table {
                Some(table) => table,
                None => lua.create_table()?,
            };
            table.set_metatable(Some(mark.clone()))?;
            Ok(table)
        })?;
        module.set(name, make)?;
    }
    module.set(
        "decode",
        lua.create_function(move |lua, text: Value| -> mlua::Result<MultiValue> {
            let failure = |why: String| -> mlua::Result<MultiValue> {
                Ok(MultiValue::from_vec(vec![
                    Value::Nil,
                    Value::String(lua.create_string(why)?),
                ]))
            };
            let Value::String(text) = text else {
                return Err(mlua::Error::RuntimeError(format!(
                    "bad argument #1 to 'decode' (string expected, got {})",
                    text.type_name()
                )));
            };
            match serde_json::from_slice::<Json>(&text.as_bytes()) {
                Ok(json) => Ok(MultiValue::from_vec(vec![to_lua(lua, &json, &array_mark)?])),
                Err(error) => failure(error.to_string()),
            }
        })?,
    )?;
    module.set(
        "encode",
        lua.create_function(|lua, (value, _options): (Value, Value)| {
            let json = from_lua(&value, 0)?;
            lua.create_string(json.to_string())
        })?,
    )?;
    Ok(module)
}

fn to_lua(lua: &Lua, json: &Json, array_mark: &Table) -> mlua::Result<Value> {
    Ok(match json {
        Json::Null => Value::NULL,
        Json::Bool(b) => Value::Boolean(*b),
        Json::Number(n) => match n.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Number(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (i, item) in items.iter().enumerate() {
                table.raw_set(i + 1, to_lua(lua, item, array_mark)?)?;
            }
            // So that an empty list is written back as a list.
            table.set_metatable(Some(array_mark.clone()))?;
            Value::Table(table)
        }
        Json::Object(members) => {
            let table = lua.create_table_with_capacity(0, members.len())?;
            for (name, item) in members {
                table.raw_set(name.as_str(), to_lua(lua, item, array_mark)?)?;
            }
            Value::Table(table)
        }
    })
}

fn from_lua(value: &Value, depth: usize) -> mlua::Result<Json> {
    let refuse = |why: String| {
        Err(mlua::Error::RuntimeError(format!(
            "rapidjson.encode: {why}"
        )))
    };
    if depth > MAX_DEPTH {
        return refuse(format!("nested deeper than {MAX_DEPTH}"));
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::LightUserData(pointer) if pointer.0.is_null() => Json::Null,
        Value::Boolean(b) => Json::Bool(*b),
        Value::Integer(n) => Json::Number((*n).into()),
        Value::Number(n) => match Number::from_f64(*n) {
            Some(number) => Json::Number(number),
            None => return refuse(format!("{n} is not a JSON number")),
        },
        Value::String(text) => match text.to_str() {
            Ok(text) => Json::String(text.to_owned()),
            Err(_) => return refuse("text is not UTF-8".into()),
        },
        Value::Table(table) => return table_to_json(table, depth),
        other => return refuse(format!("cannot write a {}", other.type_name())),
    })
}

fn table_to_json(table: &Table, depth: usize) -> mlua::Result<Json> {
    let mark: Option<String> = match table.metatable() {
        Some(meta) => meta.raw_get("__jsontype").unwrap_or(None),
        None => None,
    };
    let length = table.raw_len();
    let is_array = match mark.as_deref() {
        Some("array") => true,
        Some("object") => false,
        _ => length > 0,
    };
    if is_array {
        let mut items = Vec::with_capacity(length);
        for i in 1..=length {
            items.push(from_lua(&table.raw_get(i)?, depth + 1)?);
        }
        return Ok(Json::Array(items));
    }
    let mut members = Map::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let name = match &key {
            Value::String(text) => text.to_string_lossy(),
            other => {
                return Err(mlua::Error::RuntimeError(format!(
                    "rapidjson.encode: a {} cannot be a member name",
                    other.type_name()
                )));
            }
        };
        members.insert(name, from_lua(&value, depth + 1)?);
    }
    Ok(Json::Object(members))
}
