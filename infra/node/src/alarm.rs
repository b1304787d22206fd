//! A node that believes itself short of memory: it takes no messages, and everything else goes on.

use std::process::{Command, Stdio};

use crate::{Error, Node};

impl Node {
    /// Raises the memory alarm, on which the broker blocks every connection that publishes.
    ///
    /// # Errors
    /// [`Error::NotTold`], as when the node does not run.
    pub fn raise_memory_alarm(&self) -> Result<(), Error> {
        self.tell("set_alarm", &format!("{{{{resource_limit, memory, '{}'}}, []}}", self.name()))
    }

    /// Clears what [`Node::raise_memory_alarm`] has raised. Clearing twice is allowed.
    ///
    /// # Errors
    /// [`Error::NotTold`], as when the node does not run.
    pub fn clear_memory_alarm(&self) -> Result<(), Error> {
        self.tell("clear_alarm", &format!("{{resource_limit, memory, '{}'}}", self.name()))
    }

    /// Calls a function of RabbitMQ's `rabbit_alarm` on the node: the management API cannot raise an alarm, and `rabbitmqctl` takes
    /// seconds to start.
    fn tell(&self, function: &'static str, argument: &str) -> Result<(), Error> {
        let name = self.name();
        let call = format!(
            "case rpc:call('{name}', rabbit_alarm, {function}, [{argument}]) of ok -> halt(0); \
             Other -> io:format(\"~p~n\", [Other]), halt(1) end."
        );
        let mut erl = Command::new("erl");
        erl.env("PATH", self.installation().path()).env("HOME", self.directory().root());
        // A name that no node and no second call has.
        let teller = format!("teller-{}-{}@localhost", std::process::id(), self.amqp_port());
        erl.args(["-noshell", "-hidden", "-sname", &teller, "-dist_listen", "false"]);
        self.find_with(&mut erl);
        let told = erl.args(["-eval", &call]).stdin(Stdio::null()).output();
        let told = told.map_err(Error::io("run", "erl".as_ref()))?;
        if told.status.success() {
            return Ok(());
        }
        let output = [told.stdout, told.stderr].concat();
        Err(Error::NotTold {
            node: name.to_owned(),
            function,
            output: String::from_utf8_lossy(&output).trim().to_owned(),
        })
    }
}
