//! History read once more.

use garenne::log::rewind;
use tests::Database;

use super::scribe::{self, Scribe, each, kept, noted};

#[tokio::test]
async fn a_reader_that_is_rewound_reads_everything_again_though_nothing_new_comes_and_in_whichever_replica() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        for number in 0..30 {
            bench.file(number).await;
        }
        let scribe = Scribe::open(&database).await;
        let replicas = [
            scribe::start(&bench, &scribe, scribe::reading()).await,
            scribe::start(&bench, &scribe, scribe::reading()).await,
        ];
        noted(&database, &each(0..30, 1)).await;
        for times in 2..4 {
            let mut transaction = scribe.store.write().await.unwrap();
            rewind(&mut transaction, "office", "notes").await.unwrap();
            transaction.commit().await.unwrap();
            noted(&database, &each(0..30, times)).await;
        }
        bench.file(30).await;
        let mut wanted = each(0..30, 3);
        wanted.push("30 1".to_owned());
        noted(&database, &wanted).await;
        for replica in replicas {
            replica.stop().await;
        }
        keeper.stop().await;
    }
}
