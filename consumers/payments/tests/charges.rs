//! Charges in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use contracts::inventory::StockReserved;
use contracts::payments::{PaymentCaptured, PaymentDeclined};
use contracts::values::{CardToken, Money, OrderId};
use payments::{Answer, Charge, ChargeError, PaymentProvider, Payments, Unreachable};
use sqlx::AnyPool;
use tempfile::TempDir;

const TOTAL: Money = Money::euro_cents(1_999);

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}/payments.db?mode=rwc", folder.path().display())
}

async fn replica(folder: &TempDir) -> Payments {
    Payments::at(&url(folder)).await.unwrap()
}

fn reserved(card: &str) -> StockReserved {
    StockReserved { order_id: OrderId::new(), total: TOTAL, card: CardToken::new(card).unwrap() }
}

fn captured(order: &StockReserved, attempt: u32) -> Charge {
    Charge::Captured(PaymentCaptured { order_id: order.order_id, amount: TOTAL, attempt })
}

/// What the service's handler does with an order.
async fn charge<P: PaymentProvider>(payments: &Payments<P>, order: &StockReserved) -> Result<Charge, ChargeError> {
    let asked = payments.ask(order).await?;
    let mut transaction = payments.store().write().await?;
    let charge = asked.settle(&mut transaction).await?;
    transaction.commit().await?;
    Ok(charge)
}

/// Counts how often it is asked; answers the same every time.
struct Scripted {
    asked: Arc<AtomicUsize>,
    answer: Result<Answer, &'static str>,
}

impl PaymentProvider for Scripted {
    async fn capture(&self, _: OrderId, _: Money, _: &CardToken) -> Result<Answer, Unreachable> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.answer.clone().map_err(|reason| Unreachable(reason.to_owned()))
    }
}

#[tokio::test]
async fn a_good_card_is_charged_at_the_first_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let order = reserved("tok_ok");
    assert_eq!(charge(&replica(&folder).await, &order).await.unwrap(), captured(&order, 1));
}

#[tokio::test]
async fn a_card_that_is_declined_stays_declined() {
    let folder = tempfile::tempdir().unwrap();
    let payments = replica(&folder).await;
    for (card, reason) in [("tok_declined", "insufficient funds"), ("tok_nobody_knows", "unknown card")] {
        let order = reserved(card);
        let declined = Charge::Declined(PaymentDeclined { order_id: order.order_id, reason: reason.to_owned() });
        for _ in 0..2 {
            assert_eq!(charge(&payments, &order).await.unwrap(), declined);
        }
    }
}

#[tokio::test]
async fn a_flaky_provider_takes_the_money_at_the_third_attempt_whichever_replica_asks() {
    let folder = tempfile::tempdir().unwrap();
    let order = reserved("tok_flaky");
    for _ in 0..2 {
        let refused = charge(&replica(&folder).await, &order).await.unwrap_err();
        assert!(matches!(refused, ChargeError::Unreachable(_)), "{refused}");
    }
    assert_eq!(charge(&replica(&folder).await, &order).await.unwrap(), captured(&order, 3));
}

#[tokio::test]
async fn a_provider_that_is_down_is_never_taken_for_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let payments = replica(&folder).await;
    let order = reserved("tok_down");
    for _ in 0..6 {
        assert!(matches!(charge(&payments, &order).await, Err(ChargeError::Unreachable(_))));
    }
}

#[tokio::test]
async fn a_slow_provider_takes_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let payments = replica(&folder).await;
    let order = reserved("tok_slow");
    let start = std::time::Instant::now();
    assert_eq!(charge(&payments, &order).await.unwrap(), captured(&order, 1));
    assert!(start.elapsed().as_secs() >= 2);
}

#[tokio::test]
async fn an_order_that_arrives_again_is_not_charged_again() {
    let folder = tempfile::tempdir().unwrap();
    let order = reserved("tok_ok");
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = Scripted { asked: Arc::clone(&asked), answer: Ok(Answer::Captured) };
    let payments = replica(&folder).await.captured_by(provider);
    let first = charge(&payments, &order).await.unwrap();
    assert_eq!(charge(&payments, &order).await.unwrap(), first);
    assert_eq!(charge(&replica(&folder).await, &order).await.unwrap(), first, "another replica knows it");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_attempt_without_an_answer_is_counted_and_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let order = reserved("tok_ok");
    let provider = Scripted { asked: Arc::default(), answer: Err("no route") };
    let refused = charge(&replica(&folder).await.captured_by(provider), &order).await.unwrap_err();
    assert!(refused.to_string().contains("no route"), "{refused}");
    assert_eq!(charge(&replica(&folder).await, &order).await.unwrap(), captured(&order, 2));
}

#[tokio::test]
async fn replicas_that_charge_the_same_order_at_once_take_the_money_once_and_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (replica(&folder).await, replica(&folder).await);
    for _ in 0..20 {
        let order = reserved("tok_ok");
        let (here, there) = tokio::join!(charge(&one, &order), charge(&other, &order));
        assert_eq!(here.unwrap(), there.unwrap());
    }
    let pool = AnyPool::connect(&url(&folder)).await.unwrap();
    let (captures,): (i64,) =
        sqlx::query_as("SELECT COUNT(captured_cents) FROM provider_books").fetch_one(&pool).await.unwrap();
    assert_eq!(captures, 20);
}

#[tokio::test]
async fn the_provider_takes_the_money_of_an_order_once_even_if_its_first_answer_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let payments = replica(&folder).await;
    let order = reserved("tok_ok");
    charge(&payments, &order).await.unwrap();
    let pool = AnyPool::connect(&url(&folder)).await.unwrap();
    sqlx::query("UPDATE charges SET state = 'pending'").execute(&pool).await.unwrap();
    sqlx::query("UPDATE provider_books SET captured_cents = 1").execute(&pool).await.unwrap();
    assert_eq!(charge(&payments, &order).await.unwrap(), captured(&order, 2));
    let (taken,): (i64,) = sqlx::query_as("SELECT captured_cents FROM provider_books").fetch_one(&pool).await.unwrap();
    assert_eq!(taken, 1, "what is in the books is not taken again");
}
