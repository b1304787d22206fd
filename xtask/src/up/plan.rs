//! Which processes run, and what their environment says.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use machine::ports;

use super::broker::Broker;
use crate::arguments::UpOptions;
use crate::failure::Failure;
use crate::workspace;

/// The service whose page a person opens.
const STOREFRONT: &str = "storefront";
/// The service that a rate of 0 leaves out.
const SHOPPERS: &str = "shoppers";

/// One process that is to run.
#[derive(Debug)]
pub(super) struct Replica {
    /// `<service>-<number>`.
    pub(super) name: String,
    pub(super) service: String,
    pub(super) admin: SocketAddr,
    pub(super) environment: Vec<(&'static str, String)>,
}

/// All processes that are to run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) replicas: Vec<Replica>,
    /// Where the shop's page is, when it is served.
    pub(super) page: Option<String>,
}

/// Each service with its number of replicas.
pub(super) fn services(options: &UpOptions) -> Result<Vec<(String, usize)>, Failure> {
    if options.broker_only {
        return Ok(Vec::new());
    }
    let known = workspace::services()?;
    if let Some(unknown) = options.replicas.keys().find(|name| !known.contains(name)) {
        return Err(Failure::new(format!("there is no service `{unknown}`; services are {}", known.join(", "))));
    }
    let wanted = known.into_iter().filter(|service| service != SHOPPERS || options.orders_per_second > 0.0);
    Ok(wanted
        .map(|service| {
            let count = options.replicas.get(&service).copied().unwrap_or(1);
            (service, count)
        })
        .collect())
}

impl Plan {
    /// Gives every replica its ports and its environment. Replicas of one service share its database.
    pub(super) fn make(
        services: &[(String, usize)],
        options: &UpOptions,
        broker: &Broker,
        data: &Path,
    ) -> Result<Self, Failure> {
        if !options.keep_data && data.exists() {
            fs::remove_dir_all(data).map_err(Failure::because(format!("cannot remove {}", data.display())))?;
        }
        let data = std::path::absolute(data).map_err(Failure::because("cannot resolve the data folder"))?;
        let mail = data.join("mail");
        fs::create_dir_all(&mail).map_err(Failure::because(format!("cannot create {}", mail.display())))?;
        let mut plan = Self { replicas: Vec::new(), page: None };
        for (service, count) in services {
            for number in 1..=*count {
                let name = format!("{service}-{number}");
                let admin = loopback(ports::free()?);
                let mut environment = vec![
                    ("AMQP_URL", broker.address_for(service)),
                    ("ADMIN_ADDR", admin.to_string()),
                    ("INSTANCE", name.clone()),
                    ("DATABASE_URL", format!("sqlite://{}/{service}.db?mode=rwc", data.display())),
                    ("MAIL_DIR", mail.display().to_string()),
                    ("LOG_FORMAT", "text".to_owned()),
                ];
                match service.as_str() {
                    STOREFRONT => {
                        // A second storefront does not find 8080 taken yet: nobody listens before all are planned.
                        let port = if number == 1 { ports::prefer(8080)? } else { ports::free()? };
                        environment.push(("HTTP_ADDR", loopback(port).to_string()));
                        plan.page.get_or_insert_with(|| format!("http://{}", loopback(port)));
                    }
                    SHOPPERS => {
                        // The rate is the shop's, however many processes make it.
                        #[expect(clippy::cast_precision_loss, reason = "at most 20 replicas")]
                        let rate = options.orders_per_second / *count as f64;
                        environment.push(("ORDERS_PER_SECOND", rate.max(0.01).to_string()));
                    }
                    _ => {}
                }
                plan.replicas.push(Replica { name, service: service.clone(), admin, environment });
            }
        }
        Ok(plan)
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[cfg(test)]
mod tests {
    use super::{Plan, services};
    use crate::arguments::UpOptions;
    use crate::up::broker::Broker;

    fn planned(options: &UpOptions) -> Plan {
        let data = tempfile::tempdir().unwrap();
        let broker = Broker::Given { url: "amqp://me:secret@broker/%2f".to_owned() };
        Plan::make(&services(options).unwrap(), options, &broker, data.path()).unwrap()
    }

    fn value<'a>(plan: &'a Plan, name: &str, key: &str) -> &'a str {
        let replica = plan.replicas.iter().find(|replica| replica.name == name).unwrap();
        &replica.environment.iter().find(|(variable, _)| *variable == key).unwrap().1
    }

    #[test]
    fn replicas_share_a_database_but_no_name_and_no_port() {
        let plan = planned(&UpOptions { replicas: [("inventory".to_owned(), 2)].into(), ..UpOptions::default() });
        assert_eq!(value(&plan, "inventory-1", "DATABASE_URL"), value(&plan, "inventory-2", "DATABASE_URL"));
        assert_ne!(value(&plan, "inventory-1", "ADMIN_ADDR"), value(&plan, "inventory-2", "ADMIN_ADDR"));
        assert_eq!(value(&plan, "inventory-2", "INSTANCE"), "inventory-2");
        assert_eq!(value(&plan, "orders-1", "AMQP_URL"), "amqp://me:secret@broker/%2f");
        assert_eq!(plan.page, Some(format!("http://{}", value(&plan, "storefront-1", "HTTP_ADDR"))));
    }

    #[test]
    fn several_shoppers_share_the_rate_and_a_rate_of_nothing_has_none() {
        let options =
            UpOptions { replicas: [("shoppers".to_owned(), 2)].into(), orders_per_second: 5.0, ..UpOptions::default() };
        assert_eq!(value(&planned(&options), "shoppers-2", "ORDERS_PER_SECOND"), "2.5");
        let none = planned(&UpOptions { orders_per_second: 0.0, ..UpOptions::default() });
        assert!(none.replicas.iter().all(|replica| replica.service != "shoppers"));
    }

    #[test]
    fn an_unknown_service_is_refused_with_the_known_ones() {
        let options = UpOptions { replicas: [("inventroy".to_owned(), 2)].into(), ..UpOptions::default() };
        let error = services(&options).unwrap_err().to_string();
        assert!(error.contains("`inventroy`") && error.contains("inventory"), "{error}");
    }
}
