//! `analytics` as it runs anywhere: a process with a file for its database.

use std::path::Path;
use std::time::{Duration, Instant};

use contracts::analytics::{GetSales, Rebuild, Sales};
use garenne::{Address, Running, Service, Settings};
use machine::ports;
use tests::{ServiceProcess, Vhost, http, lasting};

/// After this without an end it is given up.
const LIMIT: Duration = Duration::from_secs(600);
/// Ticks of the clock by which the kernel counts CPU time.
const TICKS: u64 = 100;

/// The process.
pub(crate) struct Counting {
    process: ServiceProcess,
    admin: u16,
    began: Instant,
}

impl Counting {
    pub(crate) fn start(vhost: &Vhost, folder: &Path) -> Self {
        let admin = ports::free().expect("a free port");
        let environment = [
            ("AMQP_URL", vhost.url_of("analytics", "analytics")),
            ("ADMIN_ADDR", format!("127.0.0.1:{admin}")),
            ("INSTANCE", "analytics-1".to_owned()),
            ("DATABASE_URL", format!("sqlite://{}?mode=rwc", folder.join("analytics.db").display())),
        ];
        let began = Instant::now();
        let process = ServiceProcess::start("analytics", "analytics", folder, &environment);
        Self { process, admin, began }
    }

    /// Waits until it has counted this entry; returns how long that took since its start, and its CPU time.
    pub(crate) async fn reaches(&self, offset: u64) -> (Duration, Duration) {
        let wanted = format!(" {offset}");
        loop {
            let text = http::get(&format!("http://127.0.0.1:{}/metrics", self.admin)).await.map(|answer| answer.text);
            let there = text.is_ok_and(|text| {
                text.lines().any(|line| line.starts_with("garenne_log_offset{") && line.ends_with(&wanted))
            });
            if there {
                return (self.began.elapsed(), self.cpu());
            }
            assert!(self.began.elapsed() < LIMIT, "no end within {} s:\n{}", LIMIT.as_secs(), self.process.log());
            lasting(Duration::from_millis(20)).await;
        }
    }

    /// Whether its answer is right: so many orders.
    pub(crate) async fn has_counted(&self, vhost: &Vhost, orders: u64) -> bool {
        let desk = desk(vhost).await;
        let sales = sales(&desk).await;
        desk.stop().await;
        let by_article: u64 = sales.articles.iter().map(|article| article.units).sum();
        let right = sales.orders == orders && sales.units == by_article && by_article == units(orders);
        println!(
            "{} orders and {} units are counted: {}",
            sales.orders,
            sales.units,
            if right { "right" } else { "wrong" }
        );
        right
    }

    /// Has it count everything anew; returns how long that took and its CPU time.
    pub(crate) async fn rebuilds(&self, vhost: &Vhost) -> (Duration, Duration) {
        let desk = desk(vhost).await;
        let before = self.cpu();
        let began = Instant::now();
        desk.client().ask(&Rebuild {}).await.expect("an answer");
        while sales(&desk).await.rebuilding {
            assert!(began.elapsed() < LIMIT, "no end within {} s", LIMIT.as_secs());
            lasting(Duration::from_millis(100)).await;
        }
        let took = (began.elapsed(), self.cpu().saturating_sub(before));
        desk.stop().await;
        took
    }

    /// CPU time so far.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // User and system time are the 14th and 15th field; the name in brackets is the second.
        Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS)
    }
}

/// What the history's orders contain.
fn units(orders: u64) -> u64 {
    (0..orders).map(|number| number % 3 + 2).sum()
}

async fn desk(vhost: &Vhost) -> Running<()> {
    let service = Service::new("desk").asks::<GetSales>().asks::<Rebuild>();
    let settings = Settings::new(Address::parse(&vhost.url()).expect("a URL"));
    let desk = service.start((), settings).await.expect("it starts");
    assert!(desk.ready().await);
    desk
}

async fn sales(desk: &Running<()>) -> Sales {
    desk.client().ask_within(&GetSales::default(), Duration::from_secs(30)).await.expect("an answer")
}
