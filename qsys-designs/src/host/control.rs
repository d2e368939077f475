//! A control as Lua sees it: `Controls.Name` with its aspects, and errors for what it does not have.

use mlua::{Lua, MetaMethod, Table, UserData, UserDataMethods, Value};

use super::bank::{Look, Shape, SharedBank};

/// Where handlers live: a table from control number to function, out of the script's reach.
pub(crate) const HANDLERS: &str = "qsys.handlers";

/// Lua's handle on one control of the bank.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) bank: SharedBank,
    pub(crate) index: usize,
}

fn fault<T>(message: String) -> mlua::Result<T> {
    Err(mlua::Error::RuntimeError(message))
}

fn text(lua: &Lua, text: &str) -> mlua::Result<Value> {
    Ok(Value::String(lua.create_string(text)?))
}

impl Handle {
    fn read(&self, lua: &Lua, aspect: &str) -> mlua::Result<Value> {
        if aspect == "EventHandler" {
            let handlers: Table = lua.named_registry_value(HANDLERS)?;
            return handlers.raw_get(self.index + 1);
        }
        let bank = self.bank.lock();
        let control = bank.get(self.index);
        Ok(match aspect {
            "Value" => Value::Number(control.value),
            "Boolean" => Value::Boolean(match control.shape {
                Shape::Status => control.value > 0.5,
                _ => control.position > 0.5,
            }),
            "Position" => Value::Number(control.position),
            "String" => text(lua, &control.string)?,
            "Index" => Value::Integer(control.index.into()),
            "RampTime" => Value::Number(0.0),
            "Color" => text(lua, &control.look.color)?,
            "Legend" => text(lua, &control.look.legend)?,
            "CssClass" => text(lua, &control.look.css_class)?,
            "IsDisabled" => Value::Boolean(control.look.disabled),
            "IsInvisible" => Value::Boolean(control.look.invisible),
            "IsIndeterminate" => Value::Boolean(control.look.indeterminate),
            "Choices" => {
                Value::Table(lua.create_sequence_from(control.look.choices.iter().cloned())?)
            }
            // Multi-value aspects exist on meters and panners only; none is modelled here.
            "Values" | "Strings" | "Positions" => Value::Nil,
            _ => {
                return fault(format!(
                    "control '{}' has no aspect '{aspect}'",
                    control.name
                ));
            }
        })
    }

    fn write(&self, lua: &Lua, aspect: &str, value: Value) -> mlua::Result<()> {
        if aspect == "EventHandler" {
            if !matches!(value, Value::Nil | Value::Function(_)) {
                return fault("EventHandler must be a function".into());
            }
            let handlers: Table = lua.named_registry_value(HANDLERS)?;
            return handlers.raw_set(self.index + 1, value);
        }
        // Conversions may call back into Lua: do them before the lock is taken.
        match aspect {
            "Value" | "Position" | "Boolean" => {
                let number = self.number(aspect, &value)?;
                self.bank.lock().script_write(
                    self.index,
                    |c| match aspect {
                        "Position" => c.put_position(number),
                        _ => c.put_value(number),
                    },
                    |d| d.value = true,
                );
            }
            "String" => {
                let string = self.string(aspect, &value)?;
                self.bank.lock().script_write(
                    self.index,
                    |c| c.put_string(&string),
                    |d| d.string = true,
                );
            }
            "RampTime" => {
                self.number(aspect, &value)?;
            }
            "Choices" => {
                let Value::Table(list) = value else {
                    return fault(format!("Choices must be a list, got {}", value.type_name()));
                };
                let mut choices = Vec::new();
                for entry in list.sequence_values::<Value>() {
                    choices.push(self.string("Choices", &entry?)?);
                }
                self.look(|look| look.choices = choices);
            }
            "Color" | "Legend" | "CssClass" => {
                let string = self.string(aspect, &value)?;
                self.look(|look| match aspect {
                    "Color" => look.color = string,
                    "Legend" => look.legend = string,
                    _ => look.css_class = string,
                });
            }
            "IsDisabled" | "IsInvisible" | "IsIndeterminate" => {
                let Value::Boolean(yes) = value else {
                    return fault(format!(
                        "{aspect} must be a boolean, got {}",
                        value.type_name()
                    ));
                };
                self.look(|look| match aspect {
                    "IsDisabled" => look.disabled = yes,
                    "IsInvisible" => look.invisible = yes,
                    _ => look.indeterminate = yes,
                });
            }
            _ => {
                let name = self.bank.lock().get(self.index).name.clone();
                return fault(format!("control '{name}' has no aspect '{aspect}' to set"));
            }
        }
        Ok(())
    }

    fn look(&self, write: impl FnOnce(&mut Look)) {
        self.bank.lock().script_write(
            self.index,
            |control| {
                let before = control.look.clone();
                write(&mut control.look);
                control.look != before
            },
            |d| d.look = true,
        );
    }

    fn number(&self, aspect: &str, value: &Value) -> mlua::Result<f64> {
        match value {
            Value::Integer(n) => Ok(*n as f64),
            Value::Number(n) => Ok(*n),
            Value::Boolean(b) => Ok(f64::from(u8::from(*b))),
            other => fault(format!(
                "{aspect} must be a number, got {}",
                other.type_name()
            )),
        }
    }

    fn string(&self, aspect: &str, value: &Value) -> mlua::Result<String> {
        match value {
            Value::String(text) => Ok(text.to_string_lossy()),
            Value::Integer(n) => Ok(n.to_string()),
            Value::Number(n) => Ok(n.to_string()),
            other => fault(format!("{aspect} must be text, got {}", other.type_name())),
        }
    }
}

impl UserData for Handle {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("Trigger", |_, this, ()| {
            this.bank.lock().script_write(
                this.index,
                |c| c.shape == Shape::Trigger,
                |d| d.fired = true,
            );
            Ok(())
        });
        methods.add_meta_method(MetaMethod::Index, |lua, this, aspect: String| {
            this.read(lua, &aspect)
        });
        methods.add_meta_method(
            MetaMethod::NewIndex,
            |lua, this, (aspect, value): (String, Value)| this.write(lua, &aspect, value),
        );
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("control {}", this.bank.lock().get(this.index).name))
        });
    }
}
