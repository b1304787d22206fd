//! A scanner in Python with `paho-mqtt`.

use tests::ForeignClient;

use super::warehouse::Warehouse;

const PEER: ForeignClient = ForeignClient::new("paho");

#[tokio::test]
async fn a_count_corrects_the_stock_and_one_in_the_name_of_another_device_is_not_taken() {
    let warehouse = Warehouse::open().await;
    let login = warehouse.login("scanner-1");
    let counts = async |device: &str, units: &str| {
        let arguments = ["127.0.0.1", &warehouse.port, &login, "scanner-1", device, "MUG-BLUE", units];
        PEER.output("count.py", &arguments).await
    };
    let counted = counts("scanner-1", "40").await;
    assert!(counted.status.success(), "{counted:?}");
    warehouse.has_mugs(40).await;
    let forged = counts("scanner-2", "1").await;
    assert!(String::from_utf8_lossy(&forged.stderr).contains("did not take the count"), "{forged:?}");
    let counted = counts("scanner-1", "39").await;
    assert!(counted.status.success(), "{counted:?}");
    warehouse.has_mugs(39).await;
    let counts = warehouse.counts().await;
    assert!(counts.len() == 2 && counts.iter().all(|count| count.starts_with("scanner-1 ")), "{counts:?}");
}
