//! What keeps its order.

use std::collections::{BTreeMap, BTreeSet};

use tests::Database;

use super::bookkeeper::{self, Books, EntryMade, accounts, pay, told};
use crate::library::bench::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_one_key_arrive_in_the_order_of_their_commits_each_once_whatever_replica_publishes_them() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let mut replicas = Vec::new();
        for _ in 0..3 {
            let books = Books::open(&database).await;
            replicas.push(bookkeeper::start(&bench, &books).await);
        }
        for number in 0..300 {
            pay(&bench, &format!("account-{}", number % 7), "", Some(&format!("m-{number}"))).await;
        }
        let told = told(&bench, 300).await;
        for replica in replicas {
            replica.stop().await;
        }
        let ids: BTreeSet<&String> = told.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 300, "no row was published twice");
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        for (_, EntryMade { account, entry }) in told {
            let before = last.insert(account.clone(), entry).unwrap_or_default();
            assert_eq!(entry, before + 1, "{account} on {}", database.kind());
        }
        assert_eq!(accounts(&database).await.len(), 7);
        bench.waits("told", 0).await;
    }
}
