//! Alerts, as whoever looks after a server sees them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Demo, check_failure, stdout};

/// A disk that never has enough room.
const GREEDY: &str = "[alerts]\ndisk_free = \"1000000GiB\"\ndisk_free_percent = 100\n";

#[test]
fn alerts_are_listed_counted_and_end() {
    let directory = tempfile::tempdir().unwrap();
    let (settings, data) = (directory.path().join("greedy.toml"), directory.path().join("data"));
    std::fs::write(&settings, GREEDY).unwrap();
    let data = data.to_str().unwrap();
    let demo = Demo::start(&["--settings", settings.to_str().unwrap(), "--data", data]);
    let view = loop {
        let view = demo.server.json(&["alerts", "--json"]);
        if view["active"] != serde_json::json!([]) {
            break view;
        }
    };
    assert_eq!((&view["active"][0]["name"], &view["active"][0]["severity"]), (&"disk-low".into(), &"critical".into()));
    let shown = stdout(&demo.server.command(&["alerts"]));
    assert!(shown.contains("CRITICAL disk-low (") && shown.contains("what to do  "), "{shown}");
    check_failure(&demo.server.command(&["alerts", "--active"]), 1, &["alerts that stand: 1"]);
    let metrics = stdout(&demo.server.command(&["metrics"]));
    for line in ["posthouse_alert_active{name=\"disk-low\"} 1", "posthouse_alert_active{name=\"queue-long\"} 0"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    demo.server.stop();

    // The next process knows of it, and does not begin anew.
    let demo = Demo::start(&["--settings", settings.to_str().unwrap(), "--data", data]);
    let again = demo.server.json(&["alerts", "--json"]);
    assert_eq!(again["active"][0]["raised_at"], view["active"][0]["raised_at"]);
}
