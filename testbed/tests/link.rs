//! A network that fails does so exactly as ordered.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use noctule_testbed::{Link, Postgres};

const LIMIT: Duration = Duration::from_secs(10);
/// How long nothing must arrive for a silence to count.
const SILENCE: Duration = Duration::from_millis(150);

/// A server that sends back what it gets, and tells how many bytes each connection brought once it has ended.
fn echo() -> (SocketAddr, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("its address");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, sender) = (client.expect("a client"), sender.clone());
            thread::spawn(move || {
                let (mut piece, mut total) = ([0; 4096], 0);
                while let Ok(length) = client.read(&mut piece) {
                    if length == 0 {
                        break;
                    }
                    total += length;
                    // The client may be gone; the count is what matters.
                    let _ = client.write_all(&piece[..length]);
                }
                let _ = sender.send(total);
            });
        }
    });
    (addr, receiver)
}

fn connect(link: &Link) -> TcpStream {
    let stream = TcpStream::connect_timeout(&link.addr(), LIMIT).expect("the link accepts");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    stream.set_write_timeout(Some(LIMIT)).expect("a limit");
    stream
}

fn says(stream: &mut TcpStream, word: &[u8]) {
    stream.write_all(word).expect("it can be sent");
    let mut back = vec![0; word.len()];
    stream.read_exact(&mut back).expect("it comes back");
    assert_eq!(back, word);
}

fn is_reset(stream: &mut TcpStream) {
    let error = stream.read(&mut [0; 1]).expect_err("it must be reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn bytes_pass_and_are_counted_and_the_end_is_passed_on() {
    let (addr, brought) = echo();
    let link = Link::to(addr).expect("a link");
    let mut stream = connect(&link);
    says(&mut stream, &[7; 100_000][..]);
    assert_eq!(link.bytes(), (100_000, 100_000));
    stream.shutdown(Shutdown::Write).expect("half closed");
    assert_eq!(stream.read(&mut [0; 1]).expect("the end"), 0);
    assert_eq!(brought.recv_timeout(LIMIT), Ok(100_000));
}

#[test]
fn a_connection_is_cut_at_the_exact_byte() {
    let (addr, brought) = echo();
    let link = Link::to(addr).expect("a link");
    for limit in [0, 1, 4096, 16_384, 16_385, 54_321] {
        link.cut_after_bytes(Some(limit), None);
        let mut stream = connect(&link);
        // Part of it is never taken; a reset while writing is as good as one while reading.
        let sent = stream.write_all(&[1; 60_000]);
        assert_eq!(brought.recv_timeout(LIMIT), Ok(usize::try_from(limit).expect("small")), "the server got another number of bytes");
        let mut rest = Vec::new();
        let ended = sent.and_then(|()| stream.read_to_end(&mut rest));
        assert!(ended.is_err_and(|error| matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)));
        assert!(!link.is_armed());
        says(&mut connect(&link), b"the next connection passes");
        assert_eq!(brought.recv_timeout(LIMIT), Ok(26));

        link.cut_after_bytes(None, Some(limit));
        let mut stream = connect(&link);
        stream.write_all(&[2; 1]).expect("the first byte");
        let _ = stream.write_all(&[2; 59_999]);
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("the end of the stream, not a reset");
        assert_eq!(got.len(), usize::try_from(limit).expect("small"));
        assert!(brought.recv_timeout(LIMIT).is_ok(), "the server's side ends too");
    }
}

#[test]
fn a_black_hole_swallows_and_lets_go() {
    let (addr, _brought) = echo();
    let link = Link::to(addr).expect("a link");
    let mut stream = connect(&link);
    says(&mut stream, b"before");
    for _ in 0..2 {
        let before = link.bytes();
        link.blackhole();
        stream.write_all(b"into the dark").expect("the kernel takes it");
        stream.set_read_timeout(Some(SILENCE)).expect("a limit");
        assert_eq!(stream.read(&mut [0; 1]).expect_err("nothing may come").kind(), ErrorKind::WouldBlock);
        for _ in 0..2 {
            let error = TcpStream::connect_timeout(&link.addr(), SILENCE).expect_err("nobody may answer");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
        assert_eq!(link.bytes(), before, "nothing may be delivered");

        link.pass();
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut back = [0; 13];
        stream.read_exact(&mut back).expect("what was held is delivered");
        assert_eq!(&back, b"into the dark");
        says(&mut connect(&link), b"new ones pass");
    }
}

#[test]
fn refused_and_cut_connections_come_back() {
    let (addr, _brought) = echo();
    let link = Link::to(addr).expect("a link");
    let mut stream = connect(&link);
    says(&mut stream, b"before");
    for _ in 0..2 {
        link.refuse();
        is_reset(&mut stream);
        // Said twice it is the same.
        link.refuse();
        for _ in 0..3 {
            let error = TcpStream::connect_timeout(&link.addr(), LIMIT).expect_err("it must be refused");
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
        link.pass();
        stream = connect(&link);
        says(&mut stream, b"again");
    }
    link.cut();
    is_reset(&mut stream);
    says(&mut connect(&link), b"new ones pass");

    link.blackhole();
    link.refuse();
    assert_eq!(TcpStream::connect_timeout(&link.addr(), LIMIT).expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    link.blackhole();
    assert_eq!(TcpStream::connect_timeout(&link.addr(), SILENCE).expect_err("dropped").kind(), ErrorKind::TimedOut);
    link.pass();
    says(&mut connect(&link), b"and passes");
}

#[test]
fn a_delay_is_kept_in_both_directions() {
    let (addr, _brought) = echo();
    let link = Link::to(addr).expect("a link");
    let mut stream = connect(&link);
    let one_way = Duration::from_millis(60);
    link.delay(one_way);
    let begun = Instant::now();
    says(&mut stream, b"slow");
    let taken = begun.elapsed();
    assert!(taken >= 2 * one_way, "{taken:?}");
    // Pieces travel side by side: a hundred of them do not take a hundred delays.
    let begun = Instant::now();
    says(&mut stream, &[3; 200_000]);
    assert!(begun.elapsed() < 20 * one_way, "{:?}", begun.elapsed());
    link.delay(Duration::ZERO);
    says(&mut stream, b"quick");
}

#[test]
fn a_server_that_does_not_listen_resets_and_a_dropped_link_refuses() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let link = Link::to(closed).expect("a link");
    is_reset(&mut connect(&link));
    let addr = link.addr();
    drop(link);
    assert_eq!(TcpStream::connect_timeout(&addr, LIMIT).expect_err("gone").kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn the_answer_of_a_real_server_is_lost_at_every_exchange() {
    let cluster = Postgres::shared().expect("a cluster");
    let database = cluster.create_database().expect("a database");
    cluster.query(database.dsn(), "CREATE TABLE t (a int)").expect("a table");
    let link = Link::to(SocketAddr::from(([127, 0, 0, 1], cluster.port()))).expect("a link");
    let through = database.dsn().replacen(&format!(":{}/", cluster.port()), &format!(":{}/", link.addr().port()), 1);

    let (mut failed, mut failed_and_done) = (0, 0);
    for number in 0..20 {
        link.lose_answer_after(number);
        let told = cluster.psql(&through, &format!("INSERT INTO t VALUES ({number})")).expect("psql runs");
        let done = cluster.query(database.dsn(), &format!("SELECT count(*) FROM t WHERE a = {number}")).expect("rows") == "1";
        if link.is_armed() {
            // The whole session has fewer exchanges: nothing was lost.
            assert!(told.is_ok() && done, "{told:?}");
            break;
        }
        assert!(!told.is_ok(), "an answer was lost, and psql did not notice: {told:?}");
        failed += 1;
        failed_and_done += usize::from(done);
    }
    assert_eq!(failed_and_done, 1, "exactly the answer to the INSERT is lost after it was carried out");
    assert!((2..20).contains(&failed), "{failed}");
}
