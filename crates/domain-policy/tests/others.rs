//! Signatures and seals of others, and what others say of ours. Without those others these tests say so and pass, except
//! where `CI` is set.

use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthouse_domain_policy::arc::{ArcChain, ArcOutcome};
use posthouse_domain_policy::dkim::{DkimAlgorithm, DkimKey, DkimOutcome, DkimSignatures, DkimSigner, sign};
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_model::{Domain, UnixMillis};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Debian's own Python, and what it needs.
const PYTHON: &str = "/usr/bin/python3";
const DKIMPY: &str = "/usr/lib/python3/dist-packages/dkim/__init__.py";
const AUTHRES: &str = "/usr/lib/python3/dist-packages/authres/__init__.py";
const OPENDKIM: &str = "/usr/sbin/opendkim";

/// A message with what canonicalisation is about.
const MESSAGE: &str = "Received: from a by b; now\r\nFrom: Ann <ann@one.example>\r\nTo: bob@far.example,\r\n\t carl@far.example\r\n\
    Subject:  Two   blanks \r\n  and a fold\r\nComments: one\r\nComments: two\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n  Grüße  \t from here \r\n..dots\r\n\r\n\
    last \r\n\r\n\r\n";

/// A zone that everybody is given.
#[derive(Default)]
struct Zone(HashMap<String, String>);

#[async_trait]
impl Resolver for Zone {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, _: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        let found = self.0.get(name.as_str()).cloned().ok_or(LookupError::NoSuchName)?;
        Ok(Records { records: vec![found], proof: Proof::Insecure })
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::from_seconds(since.as_secs() as i64)
}

fn signer(algorithm: DkimAlgorithm, domain: &str, zone: &mut Zone) -> Result<DkimSigner> {
    let selector = algorithm.key_type().to_owned();
    let key = DkimKey::generate(algorithm)?;
    zone.0.insert(format!("{selector}._domainkey.{domain}"), key.record()?);
    Ok(DkimSigner { domain: Domain::parse(domain)?, selector, key })
}

/// The private key as dkimpy wants it.
fn for_dkimpy(key: &DkimKey) -> Result<String> {
    let pkcs8 = key.to_pkcs8()?;
    let octets = pkcs8.expose();
    Ok(match key.algorithm() {
        DkimAlgorithm::RsaSha256 => {
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64(octets))
        }
        // The seed is at the end of the document.
        DkimAlgorithm::Ed25519Sha256 => base64(&octets[octets.len() - 32..]),
    })
}

/// Whether these are installed.
fn are_here(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !Path::new(program).exists());
    if let Some(program) = missing {
        assert!(std::env::var_os("CI").is_none(), "{program} is missing");
        let _ = writeln!(std::io::stderr(), "{program} is missing");
    }
    missing.is_none()
}

fn dkimpy(request: &Value) -> Result<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dkimpy.py");
    let mut command = Command::new(PYTHON);
    let mut process = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    process.stdin.take().context("its input")?.write_all(request.to_string().as_bytes())?;
    serde_json::from_slice(&process.wait_with_output()?.stdout).context("dkimpy's answer")
}

fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

fn octets(value: &Value) -> Result<Vec<u8>> {
    Ok(STANDARD.decode(value.as_str().context("octets")?)?)
}

fn wait<T>(future: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}

fn outcomes(message: &[u8], zone: &Zone) -> Result<Vec<DkimOutcome>> {
    let signatures = DkimSignatures::read(&[message]);
    Ok(wait(signatures.verify(zone, now()))?.into_iter().map(|result| result.outcome).collect())
}

#[test]
fn we_believe_dkimpy() -> Result<()> {
    if !are_here(&[PYTHON, DKIMPY]) {
        return Ok(());
    }
    for algorithm in DkimAlgorithm::ALL {
        let mut zone = Zone::default();
        let signer = signer(algorithm, "one.example", &mut zone)?;
        let made = dkimpy(&json!({
            "do": "sign", "message": base64(MESSAGE.as_bytes()), "selector": signer.selector, "domain": "one.example",
            "key": for_dkimpy(&signer.key)?, "algorithm": algorithm.name(),
        }))?;
        let made = made.as_array().context("messages")?;
        ensure!(made.len() == 8);
        for message in made {
            let message = octets(message)?;
            let text = String::from_utf8_lossy(&message);
            ensure!(outcomes(&message, &zone)? == [DkimOutcome::Pass], "{:?}: {text}", outcomes(&message, &zone)?);
            for changed in [text.replace("last", "lost"), text.replace("blanks", "blinks")] {
                ensure!(outcomes(changed.as_bytes(), &zone)? != [DkimOutcome::Pass], "{changed}");
            }
            let longer = format!("{text}more\r\n");
            let found = outcomes(longer.as_bytes(), &zone)?;
            let is_part = matches!(found[..], [DkimOutcome::PartOfBody { .. }]);
            ensure!(is_part == text.contains("l="), "{found:?}: {longer}");
        }
    }
    Ok(())
}

#[test]
fn opendkim_and_dkimpy_believe_us() -> Result<()> {
    if !are_here(&[PYTHON, DKIMPY, OPENDKIM]) {
        return Ok(());
    }
    let mut zone = Zone::default();
    let signers = [
        signer(DkimAlgorithm::RsaSha256, "one.example", &mut zone)?,
        signer(DkimAlgorithm::Ed25519Sha256, "one.example", &mut zone)?,
    ];
    let fields = sign(&signers.each_ref(), &[MESSAGE], now())?;
    let message = String::from_utf8(fields)? + MESSAGE;
    let verify = json!({
        "do": "verify", "message": base64(message.as_bytes()), "signatures": 2, "records": zone.0,
    });
    ensure!(dkimpy(&verify)? == json!([true, true]));
    for (text, is_whole) in [(message.clone(), true), (message.replace("Two   blanks", "Tw"), false)] {
        let said = opendkim(&text, &zone)?;
        ensure!(said.contains("header.a=rsa-sha256") && said.contains("header.a=ed25519-sha256"), "{said}");
        ensure!(said.matches("dkim=pass").count() == if is_whole { 2 } else { 0 }, "{said}");
    }
    Ok(())
}

/// What opendkim would write into `Authentication-Results`.
fn opendkim(message: &str, zone: &Zone) -> Result<String> {
    let directory = TempDir::new()?;
    let path = |name: &str| directory.path().join(name);
    let records: String = zone.0.iter().map(|(name, text)| format!("{name} {text}\n")).collect();
    fs::write(path("dns"), records)?;
    fs::write(path("message"), message.replace("\r\n", "\n"))?;
    let configuration = format!("Mode v\nTestDNSData file:{}\nSyslog no\nBackground no\n", path("dns").display());
    fs::write(path("conf"), configuration)?;
    let mut command = Command::new(OPENDKIM);
    let said = command.args(["-vv", "-x"]).arg(path("conf")).arg("-t").arg(path("message")).output()?;
    Ok(String::from_utf8(said.stdout)? + &String::from_utf8_lossy(&said.stderr))
}

#[test]
fn seals_are_believed_both_ways() -> Result<()> {
    if !are_here(&[PYTHON, DKIMPY, AUTHRES]) {
        return Ok(());
    }
    let mut zone = Zone::default();
    let ours = signer(DkimAlgorithm::RsaSha256, "one.example", &mut zone)?;
    let theirs = signer(DkimAlgorithm::RsaSha256, "two.example", &mut zone)?;
    let mut message = MESSAGE.to_owned();
    for hand in 0..4 {
        let chain = ArcChain::read(&[&message]);
        let outcome = wait(chain.verify(&zone, now()))?.outcome;
        ensure!(outcome == if hand == 0 { ArcOutcome::None } else { ArcOutcome::Pass }, "{outcome:?}: {message}");
        if hand % 2 == 0 {
            let results = format!("one.example;\r\n\tdkim=none; arc={}", outcome.word());
            let fields = chain.seal(&[&message], &outcome, &results, &ours, now())?.context("a seal")?;
            message = String::from_utf8(fields)? + &message;
        } else {
            let name = format!("hand{hand}.two.example");
            let found = format!("Authentication-Results: {name}; arc={}\r\n{message}", outcome.word());
            message = String::from_utf8(octets(&dkimpy(&json!({
                "do": "seal", "message": base64(found.as_bytes()), "selector": theirs.selector,
                "domain": "two.example", "key": for_dkimpy(&theirs.key)?, "name": name,
            }))?)?)?;
        }
        let chain = |text: &str| dkimpy(&json!({"do": "chain", "message": base64(text.as_bytes()), "records": zone.0}));
        let said = chain(&message)?;
        ensure!(said[0] == "pass", "{said}: {message}");
        let said = chain(&message.replace("last", "lost"))?;
        ensure!(said[0] == "fail", "{said}");
    }
    ensure!(wait(ArcChain::read(&[&message]).verify(&zone, now()))?.sealers.len() == 4);
    Ok(())
}
