//! An encrypted copy: nothing of it can be read without its key, neither cache nor outbox, and everything works with it.

use crate::support::*;
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Replica, Table};
use noctule_storage::{OpenError, Store};

fn keyed(byte: u8) -> noctule_storage::OpenOptions {
    let mut options = options(clock());
    options.key = Some(Secret::new(vec![byte; 32]));
    options
}

#[cfg(not(feature = "sqlcipher"))]
#[test]
fn a_key_without_encryption_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open_replica(folder.path(), keyed(7)).unwrap_err();
    assert!(matches!(error, OpenError::Key { .. }) && error.to_string().contains("without encryption"), "{error}");
    assert!(!folder.path().join("outbox.db").exists());
    let _ = (Table::Nas, Role::Admin, std::mem::size_of::<&dyn Replica>());
}

#[cfg(feature = "sqlcipher")]
#[tokio::test]
async fn nothing_can_be_read_without_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_replica(folder.path(), keyed(7)).unwrap();
    let rows: Vec<Tuple> = (1..=2000).map(|n| sub(n, &[("full_name", "Wonderland Resident".into())])).collect();
    copy(&store, &position(10), &[(Table::Subscribers, rows), (Table::Tasks, vec![task(1, &[])])]).await;
    store.task_set_notes(tid(1), None, Some("wonderland gate".into()), actor(Role::Admin)).await.unwrap();
    assert_eq!(store.find_subscriber("S0000000007d0").await.unwrap().len(), 1);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        store.find_subscriber("S0000000007d0").await.unwrap();
    }
    println!("a look-up {:?}", start.elapsed() / 100);
    drop(store);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for plain in [&b"onderland"[..], b"SQLite format 3"] {
                assert!(!bytes.windows(plain.len()).any(|w| w == plain), "{} holds plain text", path.display());
            }
        }
    }
    let outbox = std::fs::read(folder.path().join("outbox.db")).unwrap();
    let error = Store::open_replica(folder.path(), keyed(8)).unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(std::fs::read(folder.path().join("outbox.db")).unwrap(), outbox, "another key touches nothing");
    let start = std::time::Instant::now();
    let store = Store::open_replica(folder.path(), keyed(7)).unwrap();
    println!("opened in {:?}", start.elapsed());
    assert_eq!(store.unsent(5).await.unwrap().len(), 1);
    assert_eq!(store.position().await.unwrap(), Some(position(10)));
    let short = noctule_storage::OpenOptions { key: Some(Secret::new(vec![1; 5])), ..options(clock()) };
    assert!(matches!(Store::open_replica(folder.path(), short), Err(OpenError::Key { .. })));
}
