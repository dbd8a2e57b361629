//! Every system call that writes fails once, inside SQLite and outside.

use std::path::{Path, PathBuf};
use std::process::Command;

use posthouse_storage::{Mail, StorageError};
use tempfile::TempDir;

use crate::child;
use crate::house::House;

/// More calls than three deliveries and a close make.
const MOST_CALLS: u64 = 500;

/// Builds the shim that lets calls fail.
fn build_shim(directory: &Path) -> PathBuf {
    let library = directory.join("fail_nth.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/fail_nth.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(built.unwrap().success(), "the shim cannot be built");
    library
}

/// One child whose `nth` call fails, in a copy of the house beside `shim`. Returns which call that was, if there were so many.
fn round(shim: &Path, mode: &str, sticky: bool, nth: u64) -> Option<String> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    std::fs::copy(shim.with_file_name("house/index.db"), path.join("index.db")).unwrap();

    let mut command = child::command("three", &path, 0);
    command.env("LD_PRELOAD", shim).env("FAIL_DIRECTORY", &path);
    command.env("FAIL_NTH", nth.to_string()).env("FAIL_MODE", mode);
    if sticky {
        command.env("FAIL_STICKY", "1");
    }
    let output = command.output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let fault = errors.lines().find_map(|line| line.strip_prefix("fault: ")).map(str::to_owned);
    let context = format!("{mode} call {nth} {fault:?}\n{said}\n{errors}");
    assert!(said.contains("= closed"), "{context}");

    runtime.block_on(async {
        let house = House::open(&path).await;
        house.expect_sound(&path).await;
        let stored = house.messages(0).await;
        for number in 0..3 {
            let count = stored.iter().filter(|(_, text)| text.starts_with(&format!("message {number} "))).count();
            let acknowledged = said.contains(&format!("= ok {number} "));
            assert!(count == 1 || (count == 0 && !acknowledged), "message {number} is there {count} times; {context}");
            if fault.is_none() || mode == "short" {
                assert!(acknowledged, "{context}");
            }
        }
        if let (Some(_), false) = (&fault, sticky) {
            assert!(said.matches("= ok").count() >= 2, "one fault failed more than one message; {context}");
        }
        if mode == "enospc" && fault.as_ref().is_some_and(|call| call.starts_with("pwrite")) {
            let full = StorageError::Full.to_string();
            let failures = said.lines().filter(|line| line.starts_with("= failed"));
            assert!(failures.clone().all(|line| line.ends_with(&full)), "{context}");
        }
        house.store.deliver(house.delivery("after", 0)).await.unwrap();
        house.store.close().await;
    });
    fault
}

fn every_call_fails(mode: &str, sticky: bool, expected: &[&[&str]]) {
    let tools = TempDir::new().unwrap();
    let shim = build_shim(tools.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { House::open(&tools.path().join("house")).await.store.close().await });
    let mut seen = Vec::new();
    for nth in 1..MOST_CALLS {
        match round(&shim, mode, sticky, nth) {
            Some(fault) => seen.push(fault),
            // A short write passes over calls that do not write, so a few in a row mean the end.
            None if mode == "short" && nth < 120 => {}
            None => break,
        }
    }
    for calls in expected {
        let failed = |fault: &String| calls.iter().any(|call| fault.starts_with(call));
        assert!(seen.iter().any(failed), "{calls:?} never failed in {seen:?}");
    }
}

/// SQLite syncs with one call or the other, as it was built.
const ALL_CALLS: [&[&str]; 5] = [
    &["pwrite bodies/"],
    &["fdatasync bodies/"],
    &["fsync bodies"],
    &["pwrite index.db-wal"],
    &["fsync index.db-wal", "fdatasync index.db-wal"],
];

#[test]
fn a_device_error_never_leads_to_ok_without_the_mail() {
    every_call_fails("eio", false, &ALL_CALLS);
}

#[test]
fn a_full_disk_never_leads_to_ok_without_the_mail() {
    every_call_fails("enospc", false, &ALL_CALLS);
}

#[test]
fn a_device_that_stays_broken_never_leads_to_ok_without_the_mail() {
    every_call_fails("eio", true, &ALL_CALLS);
}

#[test]
fn short_writes_are_continued() {
    every_call_fails("short", false, &[&["pwrite bodies/"], &["pwrite index.db-wal"]]);
}
