//! Secrets of the server's own: settings, and what routes sign in with.

use std::path::Path;

use posthouse_model::{Domain, Secret, UnixMillis};
use posthouse_storage::routes::{
    RouteCertificate, RouteFor, RouteHost, RouteLimits, RouteLogin, RouteProof, RouteTls, Routes, StoredRoute,
    TokenRefresh,
};
use posthouse_storage::{AccountKeys, KeyProof, KeyServices, NewAccountKey, Settings, StorageError};
use rusqlite::Connection;

use super::encryption::{MARKER, readable};
use super::world::World;
use crate::backup::{BackupPlan, restore};
use crate::{EncryptionStep, MasterKey, Watcher};

const SEGMENT_BYTES: u64 = 64 * 1024;
const MIGRATION: &str = include_str!("../../migrations/0023_sealed_secrets.sql");
/// More than one step goes through.
const SETTINGS: usize = 620;

fn secret(what: &str) -> Secret {
    Secret::new(format!("{what} {MARKER}"))
}

fn route(name: &str, proof: RouteProof) -> StoredRoute {
    StoredRoute {
        name: name.to_owned(),
        takes: RouteFor::default(),
        hosts: vec![RouteHost { preference: 1, host: Domain::parse("relay.example").unwrap(), port: 587 }],
        tls: RouteTls::StartTls,
        certificate_name: None,
        login: Some(RouteLogin { name: "ann".to_owned(), proof }),
        certificate: Some(RouteCertificate { chain: "public".to_owned(), key: secret("key") }),
        limits: RouteLimits::default(),
    }
}

fn refresh() -> RouteProof {
    RouteProof::Refresh(TokenRefresh {
        endpoint: "https://accounts.example/".to_owned(),
        client_id: "me".to_owned(),
        client_secret: Some(secret("client")),
        refresh_token: secret("first"),
        scope: None,
    })
}

impl World {
    async fn put_secrets(&self) {
        self.store.put_route(route("password", RouteProof::Password(secret("password")))).await.unwrap();
        self.store.put_route(route("refresh", refresh())).await.unwrap();
        self.store.put_setting("dkim-keys example.org", secret("dkim")).await.unwrap();
        self.store.setting_or_insert("srs-key", secret("srs")).await.unwrap();
        let proof = KeyProof {
            digest: secret("digest"),
            scram_sha_256: secret("sha-256"),
            scram_sha_1: secret("sha-1"),
            cram_md5: Some(secret("cram")),
        };
        let key = NewAccountKey {
            account: self.account,
            label: "phone".to_owned(),
            services: KeyServices::ALL,
            created_at: UnixMillis(0),
            expires_at: None,
            proof,
        };
        self.store.add_account_key(key).await.unwrap();
    }

    /// They are there, and the store is sound. `token` is the refresh token.
    async fn expect_secrets(&self, token: &str) {
        let shown = |secret: &Secret| secret.expose_str().unwrap().trim_end_matches(MARKER).trim().to_owned();
        let mut found = Vec::new();
        for route in self.store.routes().await.unwrap() {
            match route.login.unwrap().proof {
                RouteProof::Password(password) => found.push(shown(&password)),
                RouteProof::Refresh(refresh) => {
                    found.push(shown(&refresh.client_secret.unwrap()));
                    found.push(shown(&refresh.refresh_token));
                }
                RouteProof::TokenFile(_) => {}
            }
            found.push(shown(&route.certificate.unwrap().key));
        }
        for name in ["dkim-keys example.org", "srs-key"] {
            found.push(shown(&self.store.setting(name).await.unwrap().unwrap()));
        }
        assert_eq!(shown(&self.store.setting_or_insert("srs-key", secret("other")).await.unwrap()), "srs");
        let key = self.store.account_keys(self.account).await.unwrap().keys.remove(0);
        let KeyProof { digest, scram_sha_256, scram_sha_1, cram_md5 } = key.proof;
        let of_key = [digest, scram_sha_256, scram_sha_1, cram_md5.unwrap()];
        assert_eq!(of_key.each_ref().map(shown), ["digest", "sha-256", "sha-1", "cram"]);
        assert_eq!(found, ["password", "key", "client", token, "key", "dkim", "srs"]);
        assert_eq!(self.store.verify().await.unwrap().problems, Vec::<String>::new());
    }
}

/// A closed store with secrets; encrypted or not.
async fn store(directory: &Path, encrypted: bool) -> MasterKey {
    let master = MasterKey::generate();
    World::new(directory, SEGMENT_BYTES).await.store.close().await;
    let world = World::reopen_with(directory, SEGMENT_BYTES, &master).await;
    if encrypted {
        world.store.enable_encryption().await.unwrap();
        assert_eq!(world.settle().await, EncryptionStep::On);
    }
    world.put_secrets().await;
    world.expect_secrets("first").await;
    world.store.close().await;
    master
}

fn index(directory: &Path, sql: &str) {
    Connection::open(directory.join("index.db")).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn nothing_of_them_is_ever_readable_in_an_encrypted_store() {
    let directory = tempfile::tempdir().unwrap();
    let master = store(directory.path(), true).await;
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    world.store.renew_route_token("refresh", &secret("first"), secret("second")).await.unwrap();
    world.expect_secrets("second").await;
    assert_eq!(readable(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn they_follow_when_encryption_is_turned_on_and_off_and_keys_change() {
    let directory = tempfile::tempdir().unwrap();
    let master = store(directory.path(), false).await;
    assert!(!readable(directory.path()).is_empty(), "the search finds what is there");
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    for at in 0..SETTINGS {
        world.store.put_setting(&format!("setting {at}"), secret("one of many")).await.unwrap();
    }
    world.store.enable_encryption().await.unwrap();
    world.expect_secrets("first").await;
    assert_eq!(world.settle().await, EncryptionStep::On);
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    world.expect_secrets("first").await;
    world.store.rotate_data_key().await.unwrap();
    world.store.renew_route_token("refresh", &secret("first"), secret("second")).await.unwrap();
    world.expect_secrets("second").await;
    assert_eq!(world.settle().await, EncryptionStep::On);
    assert_eq!(world.store.encryption_status().await.unwrap().data_keys.len(), 1);
    world.expect_secrets("second").await;
    world.store.disable_encryption().await.unwrap();
    assert_eq!(world.settle().await, EncryptionStep::Off);
    world.expect_secrets("second").await;
    assert_eq!(world.store.setting("setting 600").await.unwrap().unwrap().len(), secret("one of many").len());
}

/// Whether what tells stores apart lies there as it is.
fn is_readable_name(directory: &Path) -> bool {
    let sql = "SELECT sealed_by IS NULL AND length(value) = 32 FROM setting WHERE name = 'backup.store'";
    let index = Connection::open(directory.join("index.db")).unwrap();
    index.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn backups_have_them_sealed() {
    let root = tempfile::tempdir().unwrap();
    let (data, backups) = (root.path().join("data"), root.path().join("backups"));
    let master = store(&data, true).await;
    let world = World::reopen_with(&data, SEGMENT_BYTES, &master).await;
    let plan = |at| BackupPlan {
        directory: backups.clone(),
        taken_at: UnixMillis(at),
        files: Vec::new(),
        watcher: Watcher::default(),
    };
    world.store.back_up(&plan(1)).unwrap();
    // What tells stores apart is no secret, and stays the same.
    world.store.rotate_data_key().await.unwrap();
    assert_eq!(world.settle().await, EncryptionStep::On);
    world.expect_secrets("first").await;
    let taken = world.store.back_up(&plan(2)).unwrap();
    assert!(is_readable_name(&data));
    assert_eq!(readable(root.path()), Vec::<String>::new());
    let restored = root.path().join("restored");
    restore(&backups, Some(&taken.name), &restored, false, &Watcher::default()).unwrap();
    let world = World::reopen_with(&restored.join("store"), SEGMENT_BYTES, &master).await;
    world.expect_secrets("first").await;
}

/// In stores that the release before has encrypted, secrets lie as they are.
#[tokio::test]
async fn those_of_a_store_that_was_encrypted_before_follow() {
    let directory = tempfile::tempdir().unwrap();
    let master = store(directory.path(), true).await;
    let (_, changed) = MIGRATION.split_once("UPDATE encryption").unwrap();
    let (statement, _) = changed.split_once(';').unwrap();
    let plain = format!(
        "UPDATE setting SET value = CAST(name || ' {MARKER}' AS BLOB), sealed_by = NULL WHERE name LIKE '%key%';
         UPDATE encryption {statement};"
    );
    index(directory.path(), &plain);
    assert!(!readable(directory.path()).is_empty());
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    let srs = world.store.setting("srs-key").await.unwrap().unwrap();
    assert_eq!(srs.expose_str(), Some(format!("srs-key {MARKER}").as_str()));
    assert_eq!(world.settle().await, EncryptionStep::On);
    assert_eq!(readable(directory.path()), Vec::<String>::new());
    assert_eq!(world.store.setting("srs-key").await.unwrap().unwrap().expose(), srs.expose());
    assert_eq!(world.store.verify().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn secrets_that_change_places_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    let master = store(directory.path(), true).await;
    let swap = "UPDATE setting SET value = (SELECT value FROM setting WHERE name = 'srs-key')
                WHERE name = 'dkim-keys example.org';
                UPDATE route SET certificate_key = password WHERE name = 'password';";
    index(directory.path(), swap);
    let world = World::reopen_with(directory.path(), SEGMENT_BYTES, &master).await;
    let read = world.store.setting("dkim-keys example.org").await;
    assert!(matches!(read, Err(StorageError::Corrupt(_))), "{read:?}");
    assert!(matches!(world.store.routes().await, Err(StorageError::Corrupt(_))));
    let problems = world.store.verify().await.unwrap().problems;
    assert_eq!(
        problems,
        [
            "value of the setting dkim-keys example.org is not what was encrypted",
            "certificate_key of the route password is not what was encrypted"
        ]
    );
    // One that cannot be read holds the change up, and the former key stays.
    world.store.rotate_data_key().await.unwrap();
    world.settle().await;
    let status = world.store.encryption_status().await.unwrap();
    assert_eq!((status.step, status.data_keys.len()), (EncryptionStep::Rotating, 2));
    assert!(world.store.setting("srs-key").await.unwrap().is_some());
}
