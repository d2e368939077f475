//! Reads a design and sets up a watch's change groups: list, select, group, read everything once.

use std::time::Duration;

use compact_str::{CompactString, format_compact};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::aliases;
use crate::error::Error;
use crate::grouping::{self, Kind};
use crate::message::code;
use crate::method::change_group::{
    AddComponentControl, AddControl, AutoPoll, ComponentControls, Destroy, Poll,
};
use crate::method::component::{
    ComponentInfo, ControlInfo, ControlRef, GetComponents, GetControls,
};
use crate::method::{GroupId, NamedReading, control};
use crate::patterns::Patterns;
use crate::request::Requester;
use crate::watch::ControlName;

/// How many listings run at a time. More gain nothing: a Core answers one after the other.
const AT_ONCE: usize = 8;
/// How long a watch waits, before it begins, for the calls that find controls to leave out.
const LEAVE_OUT_WITHIN: Duration = Duration::from_secs(5);

/// The part of a design that a watch picked. Its groups exist and were read once.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) components: Vec<ComponentInfo>,
    pub(crate) controls: Vec<FoundControl>,
    pub(crate) groups: Vec<FoundGroup>,
    pub(crate) readings: Vec<NamedReading>,
    /// Named Controls of the selection that are other names for controls of the list.
    pub(crate) aliases: Vec<(CompactString, ControlName)>,
}

#[derive(Debug)]
pub(crate) struct FoundControl {
    pub(crate) name: ControlName,
    pub(crate) info: ControlInfo,
    pub(crate) group: usize,
    pub(crate) rate: Duration,
}

#[derive(Debug, Clone)]
pub(crate) struct FoundGroup {
    pub(crate) id: CompactString,
    pub(crate) rate: Duration,
}

/// What a watch asks for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) number: u32,
    pub(crate) patterns: Patterns,
    pub(crate) named: Vec<CompactString>,
    pub(crate) exclude_named: Vec<CompactString>,
    pub(crate) max_groups: usize,
}

/// Lists the design, makes the groups and reads everything once. The groups do not push yet.
pub(crate) async fn discover(core: &Requester, wanted: &Wanted) -> Result<Found, Error> {
    let components = core.call(&GetComponents).await?;
    let names: Vec<CompactString> = components.iter().map(|info| info.name.clone()).collect();
    let lists: Vec<_> = stream::iter(names)
        .map(
            async |name| match core.call(&GetControls { name: name.clone() }).await {
                Ok(list) => Ok((name, list.controls)),
                // Access to this component was withdrawn after it was listed.
                Err(Error::Refused { error, .. }) if error.code == code::UNKNOWN_COMPONENT => {
                    Ok((name, Vec::new()))
                }
                Err(error) => Err(error),
            },
        )
        .buffered(AT_ONCE)
        .try_collect()
        .await?;

    let mut controls = Vec::new();
    for (component, list) in lists {
        for info in list {
            let path = format_compact!("{component}.{}", info.name);
            if wanted.patterns.wants(&path, &info) {
                let rate = wanted.patterns.rate(&path);
                let name = ControlName {
                    component: Some(component.clone()),
                    name: info.name.clone(),
                };
                controls.push(FoundControl {
                    name,
                    info,
                    group: 0,
                    rate,
                });
            }
        }
    }
    let named = find_named(core, wanted).await?;
    let left_out = find_left_out(core, wanted).await?;
    let aliases = {
        let names: Vec<&ControlName> = controls.iter().map(|control| &control.name).collect();
        let id = GroupId::Text(group_id(wanted.number, 0));
        let both: Vec<CompactString> = named.iter().chain(&left_out).cloned().collect();
        aliases::find(core, &id, &names, &both).await?
    };
    for name in &named {
        let rate = wanted.patterns.rate(name);
        if let Some(at) = aliases.get(name) {
            let control = &mut controls[*at];
            tracing::debug!("\"{name}\" is another name for {}", control.name);
            control.rate = control.rate.min(rate);
            continue;
        }
        controls.push(FoundControl {
            name: ControlName {
                component: None,
                name: name.clone(),
            },
            info: ControlInfo::default(),
            group: 0,
            rate,
        });
    }
    let (ours, aliases): (Vec<_>, Vec<_>) = aliases
        .into_iter()
        .map(|(name, at)| (name, controls[at].name.clone()))
        .partition(|(name, _)| left_out.contains(name));
    controls.retain(|control| ours.iter().all(|(_, of)| *of != control.name));

    let kind = |control: &FoundControl| match control.name.component {
        Some(_) => Kind::Component,
        None => Kind::Named,
    };
    let plan = grouping::groups(
        controls.iter().map(|c| (kind(c), c.rate)),
        wanted.max_groups,
    );
    for control in &mut controls {
        control.group = grouping::place(&plan, kind(control), control.rate).unwrap_or(0);
    }
    let groups: Vec<FoundGroup> = (0..)
        .zip(&plan)
        .map(|(at, group)| FoundGroup {
            id: group_id(wanted.number, at),
            rate: group.rate,
        })
        .collect();
    make_groups(core, &groups, &mut controls).await?;

    let mut readings = Vec::new();
    for group in &groups {
        readings.extend(core.call(&Poll { id: id(group) }).await?.changes);
    }
    Ok(Found {
        components,
        controls,
        groups,
        readings,
        aliases,
    })
}

/// Starts the groups' pushes.
pub(crate) async fn arm(core: &Requester, groups: &[FoundGroup]) -> Result<(), Error> {
    for group in groups {
        core.call(&AutoPoll {
            id: id(group),
            rate: group.rate.as_secs_f64(),
        })
        .await?;
    }
    Ok(())
}

/// The name of a watch's change group on its connection.
fn group_id(watch: u32, group: usize) -> CompactString {
    format_compact!("qrc-{watch}-{group}")
}

fn id(group: &FoundGroup) -> GroupId {
    GroupId::Text(group.id.clone())
}

async fn make_groups(
    core: &Requester,
    groups: &[FoundGroup],
    controls: &mut Vec<FoundControl>,
) -> Result<(), Error> {
    for (at, group) in groups.iter().enumerate() {
        // Another design may have been loaded on the same connection. It is not documented whether
        // destroying an unknown group is an error, so both answers are accepted.
        match core.call(&Destroy { id: id(group) }).await {
            Ok(_) | Err(Error::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut named = Vec::new();
        let mut adds: Vec<ComponentControls> = Vec::new();
        for control in controls.iter().filter(|control| control.group == at) {
            let control_ref = ControlRef {
                name: control.name.name.clone(),
            };
            match &control.name.component {
                None => named.push(control.name.name.clone()),
                Some(component) => match adds.last_mut() {
                    Some(last) if last.name == *component => last.controls.push(control_ref),
                    _ => adds.push(ComponentControls {
                        name: component.clone(),
                        controls: vec![control_ref],
                    }),
                },
            }
        }
        stream::iter(adds)
            .map(async |component| {
                let add = AddComponentControl {
                    id: id(group),
                    component,
                };
                core.call(&add).await.map(|_| ())
            })
            .buffered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let known = add_named(core, &id(group), named).await?;
        controls.retain(|control| {
            control.group != at
                || control.name.component.is_some()
                || known.contains(&control.name.name)
        });
    }
    Ok(())
}

/// The Named Controls to watch that exist in the design.
async fn find_named(core: &Requester, wanted: &Wanted) -> Result<Vec<CompactString>, Error> {
    let mut named: Vec<CompactString> = Vec::new();
    for name in &wanted.named {
        let is_wanted = wanted.patterns.wants_named(name) && !wanted.exclude_named.contains(name);
        if is_wanted && !named.contains(name) {
            named.push(name.clone());
        }
    }
    if named.is_empty() {
        return Ok(named);
    }
    let id = GroupId::Text(group_id(wanted.number, 0));
    add_named(core, &id, named).await
}

/// The Named Controls to leave out that exist in the design. If the Core does not answer this, it
/// can still be watched.
async fn find_left_out(core: &Requester, wanted: &Wanted) -> Result<Vec<CompactString>, Error> {
    let find = async |name: CompactString| match core.call(&control::Get(vec![name.clone()])).await
    {
        Ok(_) => Ok(Some(name)),
        Err(Error::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let finding = stream::iter(wanted.exclude_named.clone())
        .map(find)
        .buffered(AT_ONCE)
        .try_collect::<Vec<Option<CompactString>>>();
    match tokio::time::timeout(LEAVE_OUT_WITHIN, finding).await {
        Ok(known) => Ok(known?.into_iter().flatten().collect()),
        Err(_) => {
            tracing::warn!(
                "which Named Controls to leave out is not known: no answer to Control.Get"
            );
            Ok(Vec::new())
        }
    }
}

/// Adds Named Controls one by one: one unknown name fails a whole call, and it is not documented
/// what happens to the other names. Returns the names that exist.
async fn add_named(
    core: &Requester,
    id: &GroupId,
    named: Vec<CompactString>,
) -> Result<Vec<CompactString>, Error> {
    let add = async |name: CompactString| {
        let add = AddControl {
            id: id.clone(),
            controls: vec![name.clone()],
        };
        match core.call(&add).await {
            Ok(_) => Ok(Some(name)),
            Err(Error::Refused { error, .. }) if error.code == code::UNKNOWN_CONTROL => {
                tracing::warn!("the design has no Named Control \"{name}\"; it is not watched");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    };
    let known: Vec<Option<CompactString>> = stream::iter(named)
        .map(add)
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(known.into_iter().flatten().collect())
}
