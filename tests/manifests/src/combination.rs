//! Which components go together.

use std::fmt;

use crate::project::folders;

/// A choice of components, in the order in which they are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination(Vec<String>);

impl Combination {
    /// Their names.
    #[must_use]
    pub fn components(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    pub(crate) fn slug(&self) -> String {
        self.0.join("+")
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "base with {}", self.0.join(", "))
    }
}

/// Where the broker is: of these one. Each is followed by what may be added to it alone.
const BROKERS: [(&str, &[&str]); 3] =
    [("broker-node", &[]), ("broker-cluster", &["topology-operator", "tls"]), ("amazon-mq", &["topology-operator"])];
/// Who says how many replicas there are: of these at most one.
const SCALERS: [&str; 2] = ["keda", "hpa"];
/// What adds much, changes nothing and is changed by nothing: it goes with none and with all of the others, which is enough.
const APART: &str = "topology-operator";
/// What changes one module and nothing else, or nothing at all: it goes with all of the others, which is enough.
const WITH_ALL: [&str; 2] = ["keda-user", "smtp"];
/// What changes others stands behind them.
const LAST: [&str; 2] = ["tls", "amazon-mq"];

/// Every combination of the components that there are. One that nothing above names goes with all others.
#[must_use]
pub fn all() -> Vec<Combination> {
    let there = folders("k8s/components");
    let bound = |name: &&String| {
        BROKERS.iter().any(|(broker, more)| broker == name || more.contains(&name.as_str()))
            || SCALERS.contains(&name.as_str())
            || WITH_ALL.contains(&name.as_str())
    };
    let free: Vec<&str> = there.iter().filter(|name| !bound(name)).map(String::as_str).collect();
    let mut found = Vec::new();
    for (broker, more) in BROKERS.into_iter().filter(|(broker, _)| there.iter().any(|name| name == broker)) {
        for with_broker in subsets(more) {
            for scaler in [None].into_iter().chain(SCALERS.map(Some)) {
                let others = if with_broker.contains(&APART) { vec![Vec::new(), free.clone()] } else { subsets(&free) };
                for others in others {
                    let rest = (others.len() == free.len()).then_some(WITH_ALL);
                    let others = others.into_iter().chain(rest.into_iter().flatten());
                    let names = [broker].into_iter().chain(with_broker.iter().copied()).chain(scaler).chain(others);
                    let (last, first): (Vec<&str>, Vec<&str>) = names.partition(|name| LAST.contains(name));
                    found.push(Combination(first.into_iter().chain(last).map(str::to_owned).collect()));
                }
            }
        }
    }
    found
}

fn subsets<'a>(of: &[&'a str]) -> Vec<Vec<&'a str>> {
    (0_usize..1 << of.len())
        .map(|chosen| {
            of.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1).map(|(_, one)| *one).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_is_in_some_combination_and_none_has_two_brokers_or_two_scalers() {
        let all = all();
        for component in folders("k8s/components") {
            assert!(all.iter().any(|one| one.components().contains(&component.as_str())), "{component}");
        }
        for one in &all {
            let count = |group: &[&str]| one.components().iter().filter(|name| group.contains(name)).count();
            assert_eq!(count(&BROKERS.map(|(broker, _)| broker)), 1, "{one}");
            assert!(count(&SCALERS) <= 1, "{one}");
        }
    }
}
