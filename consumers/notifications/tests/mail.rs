//! Mail into a real folder and to a mail server, remembered in a real database file.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::PathBuf;

use contracts::orders::{CancelReason, OrderCancelled, OrderConfirmed};
use contracts::shipping::ShipmentDispatched;
use contracts::values::{Customer, EmailAddress, OrderId};
use notifications::{Mail, Notifications, Postbox, SendError};
use sqlx::AnyPool;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}/notifications.db?mode=rwc", folder.path().display())
}

async fn replica(folder: &TempDir) -> Notifications {
    Notifications::at(&url(folder), Postbox::folder(folder.path().join("mail")).unwrap()).await.unwrap()
}

fn files(folder: &TempDir) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder.path().join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn customer() -> Customer {
    serde_json::from_value(serde_json::json!({"name": "Zoë Lapin", "email": "zoe@example.org"})).unwrap()
}

fn confirmed() -> OrderConfirmed {
    let order = serde_json::json!({
        "order_id": OrderId::new(),
        "customer": customer(),
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "total": {"amount": 2500, "currency": "EUR"},
    });
    serde_json::from_value(order).unwrap()
}

/// What the service's handlers do with a mail.
async fn send(notifications: &Notifications, mail: &Mail) -> Result<(), SendError> {
    notifications.send(mail).await?;
    let mut transaction = notifications.store().write().await?;
    Notifications::remember(&mut transaction, mail).await?;
    transaction.commit().await?;
    Ok(())
}

#[tokio::test]
async fn each_outcome_of_an_order_is_one_mail() {
    let folder = tempfile::tempdir().unwrap();
    let notifications = replica(&folder).await;
    let confirmed = confirmed();
    let order_id = confirmed.order_id;
    let tracking_code = "GRN-B302-099A-8057".to_owned();
    let shipment = ShipmentDispatched { order_id, customer: customer(), tracking_code };
    let cancelled = OrderCancelled { order_id: OrderId::new(), customer: customer(), reason: CancelReason::OutOfStock };
    send(&notifications, &Mail::try_from(&confirmed).unwrap()).await.unwrap();
    send(&notifications, &Mail::try_from(&shipment).unwrap()).await.unwrap();
    send(&notifications, &Mail::try_from(&cancelled).unwrap()).await.unwrap();

    let text = |order_id: OrderId, kind: &str| {
        let path = folder.path().join("mail").join(format!("{order_id}.{kind}.eml"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert_eq!(files(&folder).len(), 3);
    assert!(text(order_id, "order-confirmed").contains("25.00 EUR"));
    assert!(text(order_id, "shipment-dispatched").contains("GRN-B302-099A-8057"));
    assert!(text(cancelled.order_id, "order-cancelled").contains("out of stock"));
}

#[tokio::test]
async fn a_mail_is_addressed_to_the_customer_under_an_id_made_from_the_order() {
    let confirmed = confirmed();
    let text = String::from_utf8(Mail::try_from(&confirmed).unwrap().message.formatted()).unwrap();
    assert!(text.contains(&format!("Message-ID: <{}.order-confirmed@garenne.example>", confirmed.order_id)), "{text}");
    assert!(text.contains("<zoe@example.org>"), "{text}");
}

#[test]
fn a_customer_whom_no_mail_can_reach_is_named() {
    let mut order = confirmed();
    order.customer.email = EmailAddress::new("zoe@-warren-.example").unwrap();
    let refused = Mail::try_from(&order).unwrap_err().to_string();
    assert!(refused.contains("zoe@-warren-.example") && refused.contains(&order.order_id.to_string()), "{refused}");
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again_by_any_replica() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mail::try_from(&confirmed()).unwrap();
    send(&replica(&folder).await, &mail).await.unwrap();
    let [file] = files(&folder).try_into().unwrap();
    std::fs::remove_file(&file).unwrap();
    send(&replica(&folder).await, &mail).await.unwrap();
    assert_eq!(files(&folder), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_mail_that_was_written_but_not_remembered_replaces_itself() {
    let folder = tempfile::tempdir().unwrap();
    let notifications = replica(&folder).await;
    let mail = Mail::try_from(&confirmed()).unwrap();
    send(&notifications, &mail).await.unwrap();
    let first = files(&folder);
    let pool = AnyPool::connect(&url(&folder)).await.unwrap();
    assert_eq!(sqlx::query("DELETE FROM sent_mail").execute(&pool).await.unwrap().rows_affected(), 1);
    send(&notifications, &mail).await.unwrap();
    assert_eq!((files(&folder), first.len()), (first, 1));
}

#[tokio::test]
async fn a_mail_that_could_not_be_handed_over_is_sent_by_the_next_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let notifications = replica(&folder).await;
    let mail = Mail::try_from(&confirmed()).unwrap();
    std::fs::remove_dir(folder.path().join("mail")).unwrap();
    let refused = send(&notifications, &mail).await.unwrap_err();
    assert!(matches!(refused, SendError::Postbox(_)) && refused.to_string().contains("MAIL_DIR"), "{refused}");
    std::fs::create_dir(folder.path().join("mail")).unwrap();
    send(&notifications, &mail).await.unwrap();
    assert_eq!(files(&folder).len(), 1);
}

#[tokio::test]
async fn a_mail_server_is_handed_the_mail() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Postbox::smtp(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    let received = tokio::spawn(receive_one_mail(listener));
    let notifications = Notifications::at(&url(&folder), server).await.unwrap();
    let confirmed = confirmed();
    send(&notifications, &Mail::try_from(&confirmed).unwrap()).await.unwrap();
    let received = received.await.unwrap();
    assert!(received.contains("RCPT TO:<zoe@example.org>"), "{received}");
    assert!(received.contains(&format!("<{}.order-confirmed@garenne.example>", confirmed.order_id)), "{received}");
}

#[test]
fn an_smtp_url_that_is_none_is_refused_without_showing_it() {
    let text = Postbox::smtp("http://shop:s3cret@mail").unwrap_err().to_string();
    assert!(text.contains("SMTP_URL") && !text.contains("s3cret"), "{text}");
}

/// A mail server's side of one conversation; returns what the client said.
async fn receive_one_mail(listener: TcpListener) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut said = String::new();
    stream.write_all(b"220 mail.example ready\r\n").await.unwrap();
    let mut in_data = false;
    loop {
        let start = said.len();
        if stream.read_line(&mut said).await.unwrap() == 0 {
            return said;
        }
        let line = said.get(start..).unwrap_or_default();
        let answer: &[u8] = match line.trim_end() {
            "." => b"250 taken\r\n",
            _ if in_data => continue,
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        in_data = line.trim_end() == "DATA";
        stream.write_all(answer).await.unwrap();
    }
}
