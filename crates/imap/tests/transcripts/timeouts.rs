use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::fresh;

const LOGIN: &str = r"
    TLS
    S* * OK
    C: a LOGIN ann secret
    ? verify ann secret
    ! accepted
    ? enter ann by PLAIN
    ! done
    S* a OK
";

#[test]
fn silence_before_login_is_short() {
    check(
        &fresh(TlsMode::StartTlsRequired),
        r"
        S* * OK
        +59s
        C: a NOOP
        S: a OK Nothing done
        +59s
        C> b NO
        +60s
        S: * BYE You have been silent for too long
        CLOSE Timeout
        ",
    );
    check(&fresh(TlsMode::Implicit), "+60s\nS: * BYE You have been silent for too long\nCLOSE Timeout");
}

#[test]
fn noise_before_login_does_not_help() {
    let noise = "+50s\nC: a NOOP\nS: a OK Nothing done\n".repeat(5);
    check(
        &fresh(TlsMode::StartTlsRequired),
        &format!("S* * OK\n{noise}+49s\n+1s\nS: * BYE You have been silent for too long\nCLOSE Timeout"),
    );
}

#[test]
fn silence_after_login_is_long() {
    check(
        &fresh(TlsMode::Implicit),
        &format!(
            "{LOGIN}
            +29m
            C: b NOOP
            S: b OK Nothing done
            +29m
            +60s
            S: * BYE You have been silent for too long
            CLOSE Timeout"
        ),
    );
    check(
        &fresh(TlsMode::Implicit),
        &format!("{LOGIN}\nC> b NO\n+120s\nS: * BYE You have been silent for too long\nCLOSE Timeout"),
    );
}

#[test]
fn idle_gives_signs_of_life_and_ends() {
    let alive = "+2m\nS: * OK Still here\n".repeat(17);
    check(
        &fresh(TlsMode::Implicit),
        &format!(
            "{LOGIN}\nC: b IDLE\nS: + idling\n{alive}+60s\nS: * BYE You have been idle for too long\nCLOSE Timeout"
        ),
    );
}
