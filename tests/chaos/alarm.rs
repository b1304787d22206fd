//! Makes a node believe that it is short of memory.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a node of the run's own is reached by another Erlang.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) node: String,
    /// The port of its Erlang distribution; it has no entry in an epmd.
    pub(crate) distribution: u16,
    /// The folder with its cookie.
    pub(crate) home: PathBuf,
}

impl Alarm {
    /// From now on it takes no messages.
    pub(crate) fn raise(&self) {
        self.tell("set_alarm", &format!("{{{{resource_limit, memory, '{}'}}, []}}", self.node));
    }

    /// From now on it takes messages again.
    pub(crate) fn clear(&self) {
        self.tell("clear_alarm", &format!("{{resource_limit, memory, '{}'}}", self.node));
    }

    /// Calls a function of `rabbit_alarm` on the node. The machine's own Erlang talks to the one of an unpacked RabbitMQ too.
    fn tell(&self, function: &str, argument: &str) {
        let call = format!(
            "case rpc:call('{}', rabbit_alarm, {function}, [{argument}]) of ok -> halt(0); \
             Other -> io:format(\"~p~n\", [Other]), halt(1) end.",
            self.node
        );
        let (teller, port) = (format!("teller-{}@localhost", self.distribution), self.distribution.to_string());
        let told = Command::new("erl")
            .env("HOME", &self.home)
            .args(["-noshell", "-hidden", "-sname", &teller, "-start_epmd", "false", "-erl_epmd_port", &port])
            .args(["-dist_listen", "false", "-eval", &call])
            .stdin(Stdio::null())
            .output()
            .expect("Erlang is where RabbitMQ is");
        assert!(told.status.success(), "{function}: {}", String::from_utf8_lossy(&told.stdout));
    }
}
