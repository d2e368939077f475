//! Which change group reports which control: grouped by rate, within the number of groups allowed;
//! no I/O.

use std::collections::BTreeSet;
use std::time::Duration;

/// What a group holds. If a group holds a control both as a Named Control and as a component's
/// control, the Core reports it only once, as the Named one. So a group holds one kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Component,
    Named,
}

/// A change group to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) kind: Kind,
    pub(crate) rate: Duration,
}

/// The groups for controls of these kinds and rates. If there are more rates than groups, the two
/// closest rates of a kind share a group at the faster rate.
pub(crate) fn groups(
    controls: impl IntoIterator<Item = (Kind, Duration)>,
    most: usize,
) -> Vec<Group> {
    let distinct: BTreeSet<(Kind, Duration)> = controls.into_iter().collect();
    let mut groups: Vec<Group> = distinct
        .into_iter()
        .map(|(kind, rate)| Group { kind, rate })
        .collect();
    while groups.len() > most.max(1) {
        let closest = (1..groups.len())
            .filter(|at| groups[*at].kind == groups[at - 1].kind)
            .min_by(|a, b| distance(&groups, *a).total_cmp(&distance(&groups, *b)));
        match closest {
            // The list is sorted, so the earlier of the two is the faster one.
            Some(slower) => groups.remove(slower),
            // Each kind keeps at least one group.
            None => break,
        };
    }
    groups
}

fn distance(groups: &[Group], slower: usize) -> f64 {
    let faster = groups[slower - 1].rate.as_secs_f64().max(1e-3);
    groups[slower].rate.as_secs_f64() / faster
}

/// The group for a control: of its kind, the slowest one that is at least as fast as the control
/// asks for.
pub(crate) fn place(groups: &[Group], kind: Kind, rate: Duration) -> Option<usize> {
    let fitting = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.kind == kind);
    fitting
        .clone()
        .filter(|(_, group)| group.rate <= rate)
        .max_by_key(|(_, group)| group.rate)
        .or_else(|| fitting.clone().min_by_key(|(_, group)| group.rate))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn close_rates_share_a_group_and_kinds_never_do() {
        let rates = [30, 33, 100, 1000, 5000].map(|rate| (Kind::Component, ms(rate)));
        let all = rates.into_iter().chain([(Kind::Named, ms(100))]);
        let groups = groups(all, 4);
        assert_eq!(groups.len(), 4);
        let rate = |kind, asked| groups[place(&groups, kind, ms(asked)).unwrap()].rate;
        assert_eq!(rate(Kind::Component, 33), ms(30));
        assert_eq!(rate(Kind::Component, 100), ms(30));
        assert_eq!(rate(Kind::Component, 1000), ms(1000));
        assert_eq!(rate(Kind::Component, 5000), ms(5000));
        assert_eq!(rate(Kind::Named, 100), ms(100));
    }

    proptest! {
        #[test]
        fn every_control_has_a_group_no_slower_than_it_asks_for(
            controls in proptest::collection::vec((any::<bool>(), 30_u64..10_000), 1..40),
            most in 2_usize..5,
        ) {
            let kind = |named| if named { Kind::Named } else { Kind::Component };
            let controls: Vec<_> = controls.into_iter().map(|(n, rate)| (kind(n), ms(rate))).collect();
            let groups = groups(controls.iter().copied(), most);
            prop_assert!(groups.len() <= most);
            for (kind, rate) in controls {
                let group = groups[place(&groups, kind, rate).unwrap()];
                prop_assert_eq!(group.kind, kind);
                prop_assert!(group.rate <= rate);
            }
        }
    }
}
