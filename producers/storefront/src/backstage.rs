//! The rest of the shop, reached through the broker.

use std::fmt::Display;

use contracts::inventory::{CheckStock, ListStock, StockLevel};
use contracts::orders::{GetOrder, OrderView};
use contracts::storefront::CheckoutSubmitted;
use contracts::values::{OrderId, Sku};
use futures_util::future::BoxFuture;
use garenne::{AskError, Client, PublishError, Request};
use tokio::time::timeout;

use crate::app::Storefront;
use crate::shop::{PATIENCE, Shop, Trouble};

impl Shop for Client<Storefront> {
    fn submit(&self, checkout: CheckoutSubmitted) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let published = timeout(PATIENCE, self.publish(&checkout)).await.map_err(|_| Trouble::Away)?;
            let receipt = published.map_err(|error| publish_trouble(&error))?;
            if receipt.routed() == Some(false) {
                // The broker took it and threw it away: `orders` has never been started.
                tracing::warn!(order_id = %checkout.order_id, "a checkout was confirmed, but nobody listens to checkouts");
                return Err(Trouble::Away);
            }
            Ok(())
        })
    }

    fn order(&self, order_id: OrderId) -> BoxFuture<'_, Result<Option<OrderView>, Trouble>> {
        Box::pin(ask(self, GetOrder { order_id }))
    }

    fn stock(&self) -> BoxFuture<'_, Result<Vec<StockLevel>, Trouble>> {
        Box::pin(async { ask(self, ListStock {}).await?.ok_or(Trouble::Failed) })
    }

    fn article(&self, sku: Sku) -> BoxFuture<'_, Result<Option<StockLevel>, Trouble>> {
        Box::pin(ask(self, CheckStock { sku }))
    }
}

/// The only domain error of each request that the storefront sends is "there is no such thing".
async fn ask<R: Request>(client: &Client<Storefront>, request: R) -> Result<Option<R::Reply>, Trouble> {
    match client.ask_within(&request, PATIENCE).await {
        Ok(reply) => Ok(Some(reply)),
        Err(AskError::Remote(_)) => Ok(None),
        Err(error) => Err(ask_trouble(&error)),
    }
}

fn ask_trouble<E: Display>(error: &AskError<E>) -> Trouble {
    let trouble = match error {
        AskError::NobodyThere { .. } | AskError::TooManyCalls { .. } | AskError::Disconnected { .. } => Trouble::Away,
        AskError::Timeout { .. } => Trouble::Silent,
        AskError::Publish(error) => return publish_trouble(error),
        _ => Trouble::Failed,
    };
    tracing::warn!(%error, "a question of the storefront has no answer");
    trouble
}

fn publish_trouble(error: &PublishError) -> Trouble {
    tracing::warn!(%error, "a message of the storefront was not confirmed");
    match error {
        PublishError::TooLarge { .. } | PublishError::Encoding { .. } | PublishError::Undeclared { .. } => {
            Trouble::Failed
        }
        _ => Trouble::Away,
    }
}
