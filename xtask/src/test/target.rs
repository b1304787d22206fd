//! The brokers that a run of the suites is for.

use std::fmt;

use rabbitmq_node::{BrokerChoice, GivenBroker, Installation, Profile, Release};

use crate::arguments::TestOptions;
use crate::workspace;

/// The suites about the library and about other clients, and about the shop the ones in which messages are lost or doubled, or
/// one service touches what is another one's, if anything does.
const CORE: [&str; 8] = [
    "library::",
    "poison::",
    "interop::",
    "shop::analytics::",
    "shop::orders::",
    "shop::replicas::",
    "shop::bad_input::",
    "shop::isolation::",
];

/// The modules whose tests start a node of their own; a rule of the house keeps them there.
pub(super) const OWN_NODE: &str = "::node::";

/// What is left out on a node like Amazon MQ, and why.
const NOT_ON_AMAZON_MQ: [(&str, &str); 6] = [
    ("library::log::", "it has no streams, which is what a log is"),
    ("shop::analytics::", "it has no streams, and so no log to count from"),
    ("interop::pika::sales::", "it has no streams, and so no analytics to ask"),
    ("interop::mosquitto::", "it has no MQTT"),
    ("interop::paho::", "it has no MQTT"),
    (OWN_NODE, "a node that a test starts by itself is like nobody's, and the same on any other run"),
];

/// One broker, looked for once, and how much of the end-to-end suites it gets.
#[derive(Debug)]
pub(super) struct Target {
    choice: BrokerChoice,
    core_only: bool,
    only_end_to_end: bool,
    profile: Profile,
    source: Result<Source, String>,
}

/// Where the broker comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// A node of ours.
    Own(Installation, Profile),
    /// Three nodes of ours.
    Cluster(Installation),
    /// Somebody else's.
    Given(GivenBroker),
}

impl Target {
    /// The broker of the command line, otherwise this machine's; in a pipeline the core runs on RabbitMQ 4.0 too, and on one that is
    /// like Amazon MQ. What is missing is installed or unpacked.
    pub(super) fn all(options: &TestOptions, pipeline: bool, progress: &mut dyn FnMut(&str)) -> Vec<Self> {
        let mut find = |choice, core_only, profile| Self::find(choice, core_only, profile, options, &mut *progress);
        let other = BrokerChoice::Release(Release::V4_0);
        match &options.broker {
            Some(choice) => vec![find(choice.clone(), false, options.profile)],
            None if options.profile != Profile::Usual => vec![find(other, false, options.profile)],
            None => {
                let mut targets = vec![find(BrokerChoice::Installed, false, Profile::Usual)];
                if pipeline {
                    targets.push(find(other.clone(), true, Profile::Usual));
                }
                if pipeline && !options.cluster {
                    let like_amazon_mq = find(other, true, Profile::AmazonMq);
                    targets.push(Self { only_end_to_end: true, ..like_amazon_mq });
                }
                targets
            }
        }
    }

    fn find(
        choice: BrokerChoice,
        core_only: bool,
        profile: Profile,
        options: &TestOptions,
        progress: &mut dyn FnMut(&str),
    ) -> Self {
        let source = match choice.given() {
            Some(broker) if broker.is_encrypted() => Err(format!("the suites speak AMQP without TLS, not {broker}")),
            Some(broker) => Ok(Source::Given(match &options.management_url {
                Some(url) => broker.clone().with_management_url(url),
                None => broker.clone(),
            })),
            None => choice
                .installation(&workspace::brokers(), progress)
                .map(|installation| match options.cluster {
                    true => Source::Cluster(installation),
                    false => Source::Own(installation, profile),
                })
                .map_err(|error| error.to_string()),
        };
        let core_only = core_only || profile != Profile::Usual;
        Self { choice, core_only, only_end_to_end: false, profile, source }
    }

    /// Which one it is.
    pub(super) fn choice(&self) -> &BrokerChoice {
        &self.choice
    }

    /// The broker, or why it could not be had.
    pub(super) fn source(&self) -> Result<&Source, &str> {
        self.source.as_ref().map_err(String::as_str)
    }

    /// The programs of a node of our own, or why there are none.
    pub(super) fn installation(&self) -> Result<&Installation, String> {
        match &self.source {
            Ok(Source::Own(installation, _) | Source::Cluster(installation)) => Ok(installation),
            Ok(Source::Given(broker)) => Err(format!("{broker} is somebody else's, and this starts a node of its own")),
            Err(reason) => Err(reason.clone()),
        }
    }

    /// Its full version, or else how it was asked for.
    pub(super) fn version(&self) -> String {
        let version = self.installation().ok().and_then(Installation::version);
        version.unwrap_or_else(|| self.choice.to_string())
    }

    /// Which tests run on it; empty for all of them.
    pub(super) fn filter(&self) -> &'static [&'static str] {
        if self.core_only { &CORE } else { &[] }
    }

    /// Whether it is there for the end-to-end suites alone: another target is the same to all others.
    pub(super) fn only_end_to_end(&self) -> bool {
        self.only_end_to_end
    }

    /// Which of them are left out, and why.
    pub(super) fn without(&self) -> &'static [(&'static str, &'static str)] {
        match self.profile {
            Profile::Usual => &[],
            Profile::AmazonMq => &NOT_ON_AMAZON_MQ,
        }
    }

    /// What a test reads that starts a node of its own.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![("TEST_BROKER", self.choice.to_string()), ("TEST_BROKERS_DIR", workspace::brokers().display().to_string())]
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "on {}", self.version())?;
        out.write_str(if matches!(self.source, Ok(Source::Cluster(_))) { ", cluster" } else { "" })?;
        if self.profile != Profile::Usual {
            write!(out, ", profile {}", self.profile)?;
        }
        out.write_str(if self.core_only { ", core" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::clients::{IN_NODE, IN_PYTHON, OVER_MQTT};
    use super::super::{MOSQUITTO, PAGE};
    use rabbitmq_node::Profile;

    use super::{CORE, NOT_ON_AMAZON_MQ, OWN_NODE, Target};
    use crate::arguments::TestOptions;
    use crate::workspace;

    #[test]
    fn what_is_chosen_or_left_out_by_its_name_is_there() {
        let suites = workspace::root().join("tests/suites");
        let is_there = |modules: &str| {
            let path = suites.join(modules.trim_matches(':').replace("::", "/"));
            path.is_dir() || path.with_extension("rs").is_file()
        };
        let of_clients = IN_PYTHON.into_iter().chain(IN_NODE.map(|(_, suite)| suite)).chain(OVER_MQTT);
        let not_on_amazon_mq =
            NOT_ON_AMAZON_MQ.map(|(modules, _)| modules).into_iter().filter(|name| *name != OWN_NODE);
        for modules in CORE.into_iter().chain(of_clients).chain(not_on_amazon_mq).chain([MOSQUITTO]) {
            assert!(is_there(modules), "{modules}");
        }
        for (modules, within) in [(OWN_NODE, "library/recovery"), (PAGE, "shop")] {
            assert!(is_there(&format!("{within}/{modules}")), "{modules}");
        }
    }

    #[test]
    fn a_given_broker_starts_no_node_and_its_password_is_not_shown() {
        let options =
            TestOptions { broker: Some("amqp://me:secret@there/%2f".parse().unwrap()), ..TestOptions::default() };
        let targets = Target::all(&options, true, &mut |_| {});
        assert_eq!(targets.len(), 1);
        assert!(targets[0].source().is_ok() && targets[0].filter().is_empty());
        let reason = targets[0].installation().unwrap_err();
        let shown = format!("{} {reason} {:?}", targets[0], targets[0]);
        assert!(shown.contains("amqp://me@there:5672") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn with_a_profile_the_core_runs_without_what_such_a_broker_has_not() {
        let broker = Some("./somewhere".parse().unwrap());
        let options = TestOptions { profile: Profile::AmazonMq, broker, ..TestOptions::default() };
        let target = &Target::all(&options, true, &mut |_| {})[0];
        assert_eq!((target.filter(), target.without()), (&CORE[..], &NOT_ON_AMAZON_MQ[..]));
        assert!(target.to_string().ends_with(", profile amazon-mq, core"), "{target}");
    }

    #[test]
    fn tls_is_refused_with_its_reason() {
        let options = TestOptions { broker: Some("amqps://there".parse().unwrap()), ..TestOptions::default() };
        assert!(Target::all(&options, false, &mut |_| {})[0].source().unwrap_err().contains("without TLS"));
    }
}
