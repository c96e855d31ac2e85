//! A test process that is killed with -9, with its whole group as test runners do it, leaves neither servers nor mounts nor folders.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use noctule_testbed::{Postgres, PostgresOptions, SmallDisk};

const OWNER: &str = "NOCTULE_TESTBED_OWNER";
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn nothing_outlives_a_killed_owner() {
    // The same test is the owner when it is started with this set: it starts servers and waits for its death.
    if std::env::var_os(OWNER).is_some() {
        own_until_killed();
    }
    let program = std::env::current_exe().expect("this program");
    let mut owner = Command::new(program)
        .args(["--exact", "nothing_outlives_a_killed_owner", "--nocapture"])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("the owner starts");
    let mut lines = BufReader::new(owner.stdout.take().expect("its output")).lines();
    let told = lines.find_map(|line| line.expect("a line").split_once("owned ").map(|(_, told)| told.to_owned())).expect("what it owns");
    let owned: Vec<&str> = told.split(' ').collect();
    let [shared_port, own_port] = [owned[0], owned[1]].map(|port| port.parse::<u16>().expect("a port"));
    let folders: Vec<PathBuf> = owned[2..].iter().map(PathBuf::from).collect();
    assert_eq!(folders.len(), 3);
    for port in [shared_port, own_port] {
        TcpStream::connect(("127.0.0.1", port)).expect("the server answers while its owner lives");
    }
    assert!(folders.iter().all(|folder| folder.exists()));

    let group = rustix::process::Pid::from_raw(i32::try_from(owner.id()).expect("a number")).expect("a process");
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("it is killed");
    owner.wait().expect("it is dead");
    let deadline = Instant::now() + LIMIT;
    let left = || {
        let ports = [shared_port, own_port].into_iter().filter(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok());
        let folders = folders.iter().filter(|folder| folder.exists());
        ports.map(|port| port.to_string()).chain(folders.map(|folder| folder.display().to_string())).collect::<Vec<_>>()
    };
    while !left().is_empty() {
        assert!(Instant::now() < deadline, "left behind: {:?}", left());
        std::thread::yield_now();
    }
}

fn own_until_killed() -> ! {
    let shared = Postgres::shared().expect("a shared cluster");
    let disk = SmallDisk::new(64).expect("a small disk");
    let options = PostgresOptions { folder: Some(disk.path().to_owned()), ..PostgresOptions::default() };
    let own = Postgres::start_with(options).expect("a cluster on it");
    let folder = shared.data_dir().parent().expect("its folder");
    println!(
        "owned {} {} {} {} {}",
        shared.port(),
        own.port(),
        folder.display(),
        own.socket_dir().parent().expect("its folder").display(),
        disk.path().display()
    );
    loop {
        std::thread::park();
    }
}
