//! Server-sent events: `GET /api/orders/{order_id}/live` and `GET /api/live`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use contracts::values::OrderId;
use futures_util::stream;
use serde_json::json;
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::http::problem::Problem;
use crate::http::{Site, orders};
use crate::live::{Live, Overview};
use crate::strip::Strip;

/// How often a page gets a new look at the whole shop.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a silent stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The most orders that one stream follows beside the whole shop.
const FOLLOW_LIMIT: usize = 16;

/// Everything said about one order: `step` events, first what is remembered, then live.
pub(super) async fn of_order(
    State(site): State<Site>,
    order_id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    Ok(respond(Feed::new(&site, vec![orders::read_id(order_id)?], None)?))
}

/// The whole shop: a `shop` event twice a second while anything changes, and for each order in
/// `?follow=<id>,<id>` its `step` events. A browser has six connections to a host, so a page opens this one only.
pub(super) async fn of_shop(State(site): State<Site>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let order_ids = read_follow(query.as_deref().unwrap_or_default())?;
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(respond(Feed::new(&site, order_ids, Some(Looks { ticks, strip: Strip::default(), latest: None }))?))
}

fn read_follow(query: &str) -> Result<Vec<OrderId>, Problem> {
    let wrong = || {
        let detail = format!("follow is a list of at most {FOLLOW_LIMIT} order numbers (UUIDs) with commas between");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    };
    let follow = query.split('&').find_map(|pair| pair.strip_prefix("follow=")).unwrap_or_default();
    let mut order_ids: Vec<OrderId> = Vec::new();
    for text in follow.split(',').filter(|text| !text.is_empty()).take(FOLLOW_LIMIT + 1) {
        order_ids.push(text.parse().map_err(|_| wrong())?);
    }
    if order_ids.len() > FOLLOW_LIMIT { Err(wrong()) } else { Ok(order_ids) }
}

fn respond(feed: Feed) -> Response {
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive"));
    // A proxy that buffers would turn the stream into silence.
    ([(header::HeaderName::from_static("x-accel-buffering"), "no")], events).into_response()
}

/// One open stream.
struct Feed {
    live: Arc<Live>,
    bell: Arc<Notify>,
    followed: Vec<Followed>,
    looks: Option<Looks>,
    pending: VecDeque<Event>,
    stopping: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

struct Followed {
    order_id: OrderId,
    sent: usize,
}

struct Looks {
    ticks: Interval,
    strip: Strip,
    latest: Option<Overview>,
}

impl Feed {
    fn new(site: &Site, order_ids: Vec<OrderId>, looks: Option<Looks>) -> Result<Self, Problem> {
        let permit = Arc::clone(&site.streams).try_acquire_owned().map_err(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "as many pages as this storefront serves are watching already",
            )
        })?;
        Ok(Self {
            live: Arc::clone(&site.live),
            bell: site.live.watch(&order_ids),
            followed: order_ids.into_iter().map(|order_id| Followed { order_id, sent: 0 }).collect(),
            looks,
            pending: VecDeque::new(),
            stopping: site.stopping.clone(),
            _permit: permit,
        })
    }

    /// The next event; `None` when the storefront stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            self.collect_steps();
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                () = self.bell.notified() => {}
                event = next_look(&self.live, self.looks.as_mut()) => return event,
            }
        }
    }

    fn collect_steps(&mut self) {
        for Followed { order_id, sent } in &mut self.followed {
            for step in self.live.news(*order_id, *sent) {
                let body = json!({"order_id": order_id, "step": step});
                self.pending.push_back(Event::default().event("step").data(body.to_string()));
                *sent += 1;
            }
        }
    }
}

/// The next overview that differs from the last; never, on a stream that looks at one order only.
async fn next_look(live: &Live, looks: Option<&mut Looks>) -> Option<Event> {
    let Some(looks) = looks else { return std::future::pending().await };
    loop {
        looks.ticks.tick().await;
        let overview = live.overview(&mut looks.strip);
        if looks.latest.as_ref() != Some(&overview) {
            let event = Event::default().event("shop").data(json!(overview).to_string());
            looks.latest = Some(overview);
            return Some(event);
        }
    }
}
