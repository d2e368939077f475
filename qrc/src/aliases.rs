//! Finds the Named Controls that are other names for watched component controls.
//!
//! QRC does not say which control a Named Control stands for. But a change group with one control
//! under both kinds of name reports only the Named one (seen on a Core 24f). So this module puts
//! all of them into one group; a component control that then falls silent has another name. It
//! finds that name bit by bit: each Named Control has a number, and each round adds only the Named
//! Controls whose number has the round's bit set. A Core that reports both names shows no aliases,
//! and the client watches both.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::Error;
use crate::method::GroupId;
use crate::method::change_group::{
    AddComponentControl, AddControl, ComponentControls, Destroy, Invalidate, Poll,
};
use crate::method::component::ControlRef;
use crate::request::Requester;
use crate::watch::ControlName;

/// How many calls run at a time. More gain nothing: a Core answers one after the other.
const AT_ONCE: usize = 8;

/// Each Named Control of `named` that stands for one of `controls`, with the place of that control.
/// All of `named` must exist. Uses one group, under `id`. Makes one call for each component, two
/// polls, and one round for each binary digit of the number of Named Controls.
pub(crate) async fn find(
    core: &Requester,
    id: &GroupId,
    controls: &[&ControlName],
    named: &[CompactString],
) -> Result<HashMap<CompactString, usize>, Error> {
    if controls.is_empty() || named.is_empty() {
        return Ok(HashMap::new());
    }
    let all: Vec<usize> = (0..controls.len()).collect();
    let found = async {
        destroy(core, id).await?;
        add_component_controls(core, id, controls, &all).await?;
        // Triggers and other controls that a Core never reports do not count as silenced.
        let reported = poll(core, id, controls, &all).await?;
        add_named(core, id, named.to_vec()).await?;
        core.call(&Invalidate { id: id.clone() }).await?;
        let beside = poll(core, id, controls, &all).await?;
        let silenced: Vec<usize> = reported.difference(&beside).copied().collect();
        if silenced.is_empty() {
            return Ok(HashMap::new());
        }
        let mut codes: HashMap<usize, usize> = silenced.iter().map(|at| (*at, 0)).collect();
        // Enough digits that a control which is silent in every round, or in none, gets a
        // number that no Named Control has.
        for bit in 0..digits(named.len() + 1) {
            destroy(core, id).await?;
            add_component_controls(core, id, controls, &silenced).await?;
            let beside = (1..)
                .zip(named)
                .filter(|(number, _)| number >> bit & 1 == 1);
            let beside: Vec<CompactString> = beside.map(|(_, name)| name.clone()).collect();
            if !beside.is_empty() {
                add_named(core, id, beside).await?;
            }
            let reported = poll(core, id, controls, &silenced).await?;
            for (at, code) in &mut codes {
                *code |= usize::from(!reported.contains(at)) << bit;
            }
        }
        let mut found = HashMap::new();
        for (at, code) in codes {
            // A control has at most one Named Control, and a Named Control one control.
            if let Some(name) = code.checked_sub(1).and_then(|code| named.get(code)) {
                found.insert(name.clone(), at);
            }
        }
        Ok(found)
    }
    .await;
    match found {
        // If the Core refuses this, the watch goes on without aliases; the Core may accept the
        // watch itself.
        Err(Error::Refused { method, error }) => {
            tracing::warn!("which Named Controls are aliases is not known: {method}: {error}");
            destroy(core, id).await?;
            Ok(HashMap::new())
        }
        found => {
            destroy(core, id).await?;
            found
        }
    }
}

/// How many binary digits the numbers of `count` things need.
fn digits(count: usize) -> u32 {
    usize::BITS - count.leading_zeros()
}

/// It is not documented whether destroying an unknown group is an error, so both answers are
/// accepted.
async fn destroy(core: &Requester, id: &GroupId) -> Result<(), Error> {
    match core.call(&Destroy { id: id.clone() }).await {
        Ok(_) | Err(Error::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn add_named(
    core: &Requester,
    id: &GroupId,
    controls: Vec<CompactString>,
) -> Result<(), Error> {
    let id = id.clone();
    core.call(&AddControl { id, controls }).await.map(|_| ())
}

/// Adds the controls at the places `which`.
async fn add_component_controls(
    core: &Requester,
    id: &GroupId,
    controls: &[&ControlName],
    which: &[usize],
) -> Result<(), Error> {
    let mut components: Vec<ComponentControls> = Vec::new();
    let mut places: HashMap<&CompactString, usize> = HashMap::new();
    for at in which {
        let Some(component) = &controls[*at].component else {
            continue;
        };
        let place = *places.entry(component).or_insert_with(|| {
            components.push(ComponentControls {
                name: component.clone(),
                controls: Vec::new(),
            });
            components.len() - 1
        });
        let name = controls[*at].name.clone();
        components[place].controls.push(ControlRef { name });
    }
    stream::iter(components)
        .map(async |component| {
            let id = id.clone();
            let add = AddComponentControl { id, component };
            core.call(&add).await.map(|_| ())
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// The places of the controls that the group reports under their component's name.
async fn poll(
    core: &Requester,
    id: &GroupId,
    controls: &[&ControlName],
    which: &[usize],
) -> Result<HashSet<usize>, Error> {
    let changes = core.call(&Poll { id: id.clone() }).await?.changes;
    let reported: HashSet<(Option<&str>, &str)> = changes
        .iter()
        .map(|change| (change.component.as_deref(), change.name.as_str()))
        .collect();
    let is_reported = |at: &usize| {
        let control = controls[*at];
        reported.contains(&(control.component.as_deref(), control.name.as_str()))
    };
    Ok(which.iter().copied().filter(is_reported).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    use super::*;
    use crate::message::RpcError;
    use crate::request::Call;

    /// A Core with one group and these aliases, each a Named Control and its control of "c".
    struct OneGroup {
        aliases: HashMap<String, String>,
        shadows: bool,
        refuses: &'static str,
        named: HashSet<String>,
        controls: HashSet<String>,
        calls: usize,
    }

    impl OneGroup {
        fn answer(&mut self, method: &str, params: &Value) -> Value {
            self.calls += 1;
            let texts = |list: &Value| -> Vec<String> {
                let list = list.as_array().unwrap().iter();
                let text = |v: &Value| v.get("Name").unwrap_or(v).as_str().unwrap().to_owned();
                list.map(text).collect()
            };
            match method {
                "ChangeGroup.Destroy" => {
                    self.named.clear();
                    self.controls.clear();
                }
                "ChangeGroup.AddControl" => self.named.extend(texts(&params["Controls"])),
                "ChangeGroup.AddComponentControl" => {
                    self.controls
                        .extend(texts(&params["Component"]["Controls"]));
                }
                "ChangeGroup.Poll" => {
                    let shadowed: HashSet<_> = self
                        .named
                        .iter()
                        .filter(|_| self.shadows)
                        .filter_map(|name| self.aliases.get(name))
                        .collect();
                    let controls = self.controls.iter().filter(|name| !shadowed.contains(name));
                    let mut changes: Vec<Value> = controls
                        .map(|name| json!({"Component": "c", "Name": name, "Value": 0.0}))
                        .collect();
                    changes.extend(self.named.iter().map(|name| json!({"Name": name})));
                    return json!({"Id": "probe", "Changes": changes});
                }
                _ => {}
            }
            json!(true)
        }
    }

    /// The aliases found when Named Control i stands for the i-th entry of `stand_for`.
    fn found(
        stand_for: &[Option<usize>],
        controls: usize,
        shadows: bool,
        refuses: &'static str,
    ) -> (HashMap<CompactString, usize>, usize) {
        let named: Vec<CompactString> = (0..stand_for.len())
            .map(|i| format!("N{i}").into())
            .collect();
        let aliases = stand_for.iter().enumerate();
        let aliases = aliases.filter_map(|(i, at)| Some((format!("N{i}"), format!("k{}", (*at)?))));
        let mut group = OneGroup {
            aliases: aliases.collect(),
            shadows,
            refuses,
            named: HashSet::new(),
            controls: HashSet::new(),
            calls: 0,
        };
        let names: Vec<ControlName> = (0..controls)
            .map(|at| ControlName {
                component: Some("c".into()),
                name: format!("k{at}").into(),
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (calls, mut called) = mpsc::channel::<Call>(4);
            let core = Requester::new(calls, Duration::from_secs(20));
            let names: Vec<&ControlName> = names.iter().collect();
            let id = GroupId::Text("probe".into());
            let finding = async {
                let core = core;
                find(&core, &id, &names, &named).await.unwrap()
            };
            let serving = async {
                while let Some(call) = called.recv().await {
                    let params = serde_json::from_str(call.params.get()).unwrap();
                    let answer = if call.due.method() == group.refuses {
                        let method = call.due.method().to_owned();
                        let (code, message) =
                            (crate::message::code::METHOD_NOT_FOUND, String::new());
                        let error = RpcError { code, message };
                        Err(Error::Refused { method, error })
                    } else {
                        let answer = group.answer(call.due.method(), &params);
                        Ok(Some(serde_json::value::to_raw_value(&answer).unwrap()))
                    };
                    call.due.settle(answer);
                }
            };
            let (found, ()) = tokio::join!(finding, serving);
            (found, group.calls)
        })
    }

    #[test]
    fn a_core_that_reports_both_names_or_refuses_to_say_shows_no_aliases() {
        assert!(found(&[Some(0), Some(1)], 3, false, "").0.is_empty());
        for refused in [
            "ChangeGroup.Invalidate",
            "ChangeGroup.AddControl",
            "ChangeGroup.Poll",
        ] {
            assert!(found(&[Some(0)], 1, true, refused).0.is_empty());
        }
    }

    #[test]
    fn a_hundred_aliases_among_many_take_few_calls() {
        let stand_for: Vec<_> = (0..100).map(|i| Some(i * 7)).collect();
        let (aliases, calls) = found(&stand_for, 1000, true, "");
        assert_eq!(aliases.len(), 100);
        assert!(calls < 50, "{calls}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_alias_is_found_and_nothing_else(
            shuffled in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
            is_alias in proptest::collection::vec(any::<bool>(), 0..12),
        ) {
            let stand_for: Vec<Option<usize>> =
                is_alias.iter().zip(shuffled).map(|(is, at)| is.then_some(at)).collect();
            let (aliases, _) = found(&stand_for, 12, true, "");
            let expected: HashMap<CompactString, usize> = stand_for
                .iter()
                .enumerate()
                .filter_map(|(i, at)| Some((format!("N{i}").into(), (*at)?)))
                .collect();
            prop_assert_eq!(aliases, expected);
        }
    }
}
