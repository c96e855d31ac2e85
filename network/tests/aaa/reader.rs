//! The reader of accounting on a real radacct: one for a book, another when it dies; rows that come late or bear wrong times are not missed.

use crate::place::{Place, name};
use async_trait::async_trait;
use noctule_domain::lifecycle::{Proofs, Told};
use noctule_domain::ports::{AuthorityError, Awaiting, Heard, SessionBook};
use noctule_domain::subscriber::Username;
use noctule_domain::{SubscriberId, Timestamp};
use noctule_network::aaa::{AccountingReader, AccountingStatus, ReaderConfig, Reading};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);
const LIMIT: Duration = Duration::from_secs(60);

/// Keeps the last that was told of each user, and how many looks were told at all.
#[derive(Clone)]
struct Book(watch::Sender<BTreeMap<Username, Told>>);

impl Book {
    fn new() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    /// Waits until what was told of this user is so.
    async fn hears(&self, user: &str, so: impl Fn(&Told) -> bool) {
        let wanted = name(user);
        let mut told = self.0.subscribe();
        let heard = told.wait_for(|all| all.get(&wanted).is_some_and(&so));
        if tokio::time::timeout(LIMIT, heard).await.is_err() {
            panic!("{user}: told was {:?}", self.0.borrow().get(&wanted));
        }
    }

    fn knows(&self, user: &str) -> bool {
        self.0.borrow().contains_key(&name(user))
    }
}

#[async_trait]
impl SessionBook for Book {
    async fn awaiting(&self, _: Timestamp, _: u32) -> Result<Vec<Awaiting>, AuthorityError> {
        Ok(Vec::new())
    }

    /// In the order of the ids; here they are counted from the names.
    async fn known(&self, after: Option<SubscriberId>, _: u32) -> Result<Vec<(SubscriberId, Username)>, AuthorityError> {
        let open: Vec<Username> = self.0.borrow().values().filter(|told| !told.open.is_empty()).map(|told| told.username.clone()).collect();
        let ids = (1u128..).map(|n| SubscriberId(Uuid::from_u128(n)));
        Ok(ids.zip(open).filter(|(id, _)| after.is_none_or(|after| *id > after)).collect())
    }

    async fn told(&self, told: Vec<Told>, _: Arc<BTreeMap<String, Proofs>>) -> Result<Heard, AuthorityError> {
        self.0.send_modify(|all| all.extend(told.into_iter().map(|one| (one.username.clone(), one))));
        Ok(Heard::default())
    }
}

/// A console that reads.
struct Console {
    task: JoinHandle<()>,
    status: watch::Receiver<AccountingStatus>,
}

impl Console {
    /// `whole`: between two looks at everything; an hour is never, here.
    fn start(place: &Place, book: &Book, whole: Duration) -> Self {
        let config = ReaderConfig { poll: Duration::from_millis(50), whole };
        let aaa = noctule_network::aaa::FreeRadius::new(crate::place::config(place.postgres, &place.database));
        let reader = AccountingReader::new(aaa, Arc::new(book.clone()), Arc::default(), "the book of the test".to_owned(), config);
        let status = reader.status();
        Self { task: tokio::spawn(async move { reader.run().await }), status }
    }

    async fn is(&mut self, reading: Reading) {
        let so = self.status.wait_for(|status| status.reading == reading);
        assert!(tokio::time::timeout(LIMIT, so).await.is_ok(), "it never was {reading:?}");
    }

    /// A look that began after this moment has ended: whatever was there before has been seen, if it is seen at all. (The first end that
    /// shows may be that of a look that was under way.)
    async fn looks_again(&mut self) {
        for _ in 0..2 {
            let now = chrono::Utc::now();
            let looked = self.status.wait_for(|status| status.read_at.is_some_and(|at| at > now));
            assert!(tokio::time::timeout(LIMIT, looked).await.is_ok(), "it does not look any more");
        }
    }

    /// Its process is gone, and with it its connections.
    async fn dies(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("gone").is_cancelled());
    }
}

impl Place {
    /// A row as FreeRADIUS writes it, so long ago by its own word.
    fn row(user: &str, ago: &str) -> String {
        format!(
            "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime)
             VALUES ('s-{user}', 'u-{user}', '{user}', '192.0.2.1', now() - interval '{ago}', now() - interval '{ago}')"
        )
    }

    async fn connection(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(self.database.dsn(), tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }
}

fn is_open(told: &Told) -> bool {
    told.open.len() == 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_console_that_reads_dies_another_takes_over() {
    let place = Place::tables().await;
    place.sql(&Place::row("anna", "1 minute"));
    let (first, second) = (Book::new(), Book::new());
    let mut one = Console::start(&place, &first, HOUR);
    one.is(Reading::Leading).await;
    first.hears("anna", is_open).await;
    let mut two = Console::start(&place, &second, HOUR);
    two.is(Reading::Following).await;
    place.sql(&Place::row("ben", "0 seconds"));
    first.hears("ben", is_open).await;
    assert!(!second.knows("anna"), "one at a time");
    one.dies().await;
    two.is(Reading::Leading).await;
    // It begins with all that is open, so nothing of the time between is missed.
    second.hears("anna", is_open).await;
    second.hears("ben", is_open).await;
    place.sql(&Place::row("cecilia", "0 seconds"));
    second.hears("cecilia", is_open).await;
    // The server ends its line: that is told, and it comes back by itself.
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    two.is(Reading::Away).await;
    place.sql("UPDATE radacct SET acctstoptime = now(), acctupdatetime = now() WHERE username = 'anna'");
    two.is(Reading::Leading).await;
    second.hears("anna", |told| told.open.is_empty() && told.stopped.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_committed_late_with_an_older_time_is_not_missed() {
    let place = Place::tables().await;
    for user in ["anna", "dora"] {
        place.sql(&Place::row(user, "2 hours"));
    }
    let book = Book::new();
    let mut console = Console::start(&place, &book, HOUR);
    book.hears("anna", is_open).await;
    console.looks_again().await;
    // Under way for long, while others come and go.
    let late = place.connection().await;
    late.batch_execute("BEGIN").await.expect("begun");
    late.batch_execute(&Place::row("ben", "1 hour")).await.expect("written");
    // A change to an older row, which is stamped with an older time too.
    late.batch_execute("UPDATE radacct SET acctupdatetime = now() - interval '90 minutes', acctinputoctets = 77 WHERE username = 'anna'")
        .await
        .expect("written");
    place.sql(&Place::row("cecilia", "0 seconds"));
    book.hears("cecilia", is_open).await;
    console.looks_again().await;
    assert!(!book.knows("ben"), "nobody sees it yet");
    late.batch_execute("COMMIT").await.expect("committed");
    book.hears("ben", is_open).await;
    book.hears("anna", |told| told.open[0].input_octets == 77).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_that_jump_by_hours_hide_nothing() {
    let place = Place::tables().await;
    let book = Book::new();
    let mut console = Console::start(&place, &book, HOUR);
    console.is(Reading::Leading).await;
    console.looks_again().await;
    // New rows, of NASes whose clocks are hours behind and hours ahead.
    place.sql(&Place::row("anna", "7 hours"));
    place.sql(&Place::row("ben", "-7 hours"));
    book.hears("anna", is_open).await;
    book.hears("ben", is_open).await;
    // Then the clock jumps, and the next Interim bears a time before the last one.
    place.sql("UPDATE radacct SET acctupdatetime = now() - interval '9 hours', acctinputoctets = 5 WHERE username = 'ben'");
    book.hears("ben", |told| told.open[0].input_octets == 5).await;
    place.sql("UPDATE radacct SET acctupdatetime = now() + interval '9 hours', acctinputoctets = 6 WHERE username = 'anna'");
    book.hears("anna", |told| told.open[0].input_octets == 6).await;
}

/// Older than the thousand newest rows, and its times are wrong: only the look at everything finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_neither_number_nor_time_shows_is_found_by_the_slow_look() {
    let place = Place::tables().await;
    for user in ["anna", "ben"] {
        place.sql(&Place::row(user, "9 hours"));
    }
    let book = Book::new();
    let mut quick = Console::start(&place, &book, HOUR);
    book.hears("ben", is_open).await;
    place.sql(
        "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime, acctstoptime)
         SELECT 's', 'filler-' || n, 'filler', '192.0.2.1', now(), now(), now() FROM generate_series(1, 1500) AS n",
    );
    book.hears("filler", |_| true).await;
    quick.looks_again().await;
    place.sql("UPDATE radacct SET acctupdatetime = now() - interval '8 hours', acctinputoctets = 9 WHERE username = 'anna'");
    place.sql(
        "UPDATE radacct SET acctstoptime = now() - interval '8 hours', acctupdatetime = now() - interval '8 hours' WHERE username = 'ben'",
    );
    quick.looks_again().await;
    let stale = |user: &str| book.0.borrow()[&name(user)].open.first().is_some_and(|session| session.input_octets == 0);
    assert!(stale("anna") && stale("ben"), "the quick look has nothing to see them by");
    quick.dies().await;
    let _slow = Console::start(&place, &book, Duration::from_millis(100));
    book.hears("anna", |told| told.open.first().is_some_and(|session| session.input_octets == 9)).await;
    book.hears("ben", |told| told.open.is_empty() && told.stopped.len() == 1).await;
}
