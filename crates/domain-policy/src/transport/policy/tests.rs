use posthouse_model::{Domain, TlsWish};

use super::super::tlsa::TlsaRecord;
use super::*;

fn usable() -> Dane {
    let record = TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
    let set = TlsaSet::new(&[record], Domain::parse("mx.example").unwrap(), vec![]).unwrap();
    Dane::Usable(Arc::new(set))
}

/// A host about which nothing is known.
fn plain(dane: &Dane) -> HostFacts<'_> {
    HostFacts {
        is_routed: false,
        wish: TlsWish::None,
        mx: MxProof::Insecure,
        dane,
        sts: StsFact::Absent,
        holds_floor: false,
        listed: None,
        default: DestinationTls::Opportunistic,
    }
}

/// The policy as `demand by reason`.
fn check(facts: &HostFacts<'_>, expected: &str) {
    let policy = decide(facts);
    let demand = match &policy.demand {
        TlsDemand::AsRouted => "routed".to_owned(),
        TlsDemand::Opportunistic => "opportunistic".to_owned(),
        TlsDemand::Required => "required".to_owned(),
        TlsDemand::Verified => "verified".to_owned(),
        TlsDemand::Dane(_) => "dane".to_owned(),
        TlsDemand::Refuse(refusal) => format!("refuse {refusal:?}"),
    };
    assert_eq!(format!("{demand} by {}", policy.reason), expected, "{facts:?}");
}

const ENFORCED: StsFact = StsFact::Enforce { names_host: true };
const STRANGER: StsFact = StsFact::Enforce { names_host: false };

#[test]
fn what_the_administrator_says() {
    let none = Dane::Absent;
    let listed = |listed, default| HostFacts { listed, default, ..plain(&none) };
    use DestinationTls::*;
    check(&listed(None, Opportunistic), "opportunistic by default");
    check(&listed(None, Verified), "verified by default");
    check(&listed(Some(Required), Opportunistic), "required by listed");
    check(&listed(Some(Required), Verified), "required by listed");
    check(&listed(Some(DaneOnly), Opportunistic), "refuse NoDane by listed");
    check(&listed(None, DaneOnly), "refuse NoDane by default");
}

#[test]
fn a_route_comes_before_everything() {
    let unknown = Dane::Unknown(LookupError::Bogus);
    let facts = HostFacts { is_routed: true, wish: TlsWish::Required, sts: STRANGER, ..plain(&unknown) };
    check(&facts, "routed by route");
}

#[test]
fn the_strictest_wins() {
    let (none, usable, unusable) = (Dane::Absent, usable(), Dane::Unusable);
    let verified = Some(DestinationTls::Verified);
    check(&plain(&usable), "dane by dane");
    check(&plain(&unusable), "required by dane");
    check(&HostFacts { listed: verified, ..plain(&unusable) }, "verified by listed");
    check(&HostFacts { listed: verified, ..plain(&usable) }, "dane by dane");
    check(&HostFacts { sts: ENFORCED, ..plain(&none) }, "verified by mta-sts");
    check(&HostFacts { sts: ENFORCED, listed: verified, ..plain(&none) }, "verified by mta-sts");
    check(&HostFacts { sts: ENFORCED, ..plain(&unusable) }, "verified by mta-sts");
    check(&HostFacts { sts: ENFORCED, ..plain(&usable) }, "dane by dane");
    check(&HostFacts { holds_floor: true, ..plain(&none) }, "verified by floor");
    check(
        &HostFacts { holds_floor: true, listed: Some(DestinationTls::Required), ..plain(&none) },
        "verified by floor",
    );
    check(&HostFacts { listed: Some(DestinationTls::DaneOnly), ..plain(&usable) }, "dane by dane");
}

#[test]
fn a_host_that_is_not_proven_is_not_used() {
    let (none, usable, unknown) = (Dane::Absent, usable(), Dane::Unknown(LookupError::Bogus));
    check(&plain(&unknown), "refuse DaneUnknown(Bogus) by dane");
    check(&HostFacts { sts: ENFORCED, ..plain(&unknown) }, "refuse DaneUnknown(Bogus) by dane");
    check(&HostFacts { sts: STRANGER, ..plain(&none) }, "refuse NotInStsPolicy by mta-sts");
    // RFC 8461 §2: DANE decides where it can.
    check(&HostFacts { sts: STRANGER, ..plain(&usable) }, "dane by dane");
    check(&HostFacts { sts: STRANGER, ..plain(&Dane::Unusable) }, "refuse NotInStsPolicy by mta-sts");
}

#[test]
fn testing_demands_nothing() {
    let none = Dane::Absent;
    for names_host in [true, false] {
        check(&HostFacts { sts: StsFact::Testing { names_host }, ..plain(&none) }, "opportunistic by default");
    }
}

#[test]
fn require_tls_needs_a_host_that_is_the_domains() {
    let (none, usable) = (Dane::Absent, usable());
    let facts = |mx, sts| HostFacts { wish: TlsWish::Required, mx, sts, ..plain(&none) };
    check(&facts(MxProof::Secure, StsFact::Absent), "verified by requiretls");
    check(&facts(MxProof::NoMx, StsFact::Absent), "verified by requiretls");
    check(&facts(MxProof::Insecure, StsFact::Absent), "refuse UnprovenHost by requiretls");
    check(&facts(MxProof::Insecure, ENFORCED), "verified by requiretls");
    check(&facts(MxProof::Insecure, StsFact::Testing { names_host: true }), "verified by requiretls");
    check(&facts(MxProof::Insecure, STRANGER), "refuse UnprovenHost by requiretls");
    let with_dane = HostFacts { wish: TlsWish::Required, mx: MxProof::Secure, ..plain(&usable) };
    check(&with_dane, "dane by dane");
}

/// RFC 8689 §8.4.
#[test]
fn who_does_not_ask_for_tls_is_not_held_to_the_domains() {
    let (usable, unknown) = (usable(), Dane::Unknown(LookupError::Bogus));
    let facts = |dane| HostFacts { wish: TlsWish::Optional, ..plain(dane) };
    check(&facts(&usable), "opportunistic by tls-optional");
    check(&facts(&unknown), "opportunistic by tls-optional");
    check(&HostFacts { sts: ENFORCED, holds_floor: true, ..facts(&Dane::Unusable) }, "opportunistic by tls-optional");
    check(&HostFacts { sts: STRANGER, ..facts(&Dane::Absent) }, "opportunistic by tls-optional");
    // What the administrator demands holds for everybody.
    check(&HostFacts { listed: Some(DestinationTls::Verified), ..facts(&usable) }, "verified by listed");
    check(&HostFacts { default: DestinationTls::DaneOnly, ..facts(&usable) }, "dane by default");
    check(&HostFacts { is_routed: true, ..facts(&usable) }, "routed by route");
}

#[test]
fn no_fact_ever_makes_a_policy_weaker() {
    // Every combination: what is known more never lowers the demand.
    let danes = [Dane::Absent, Dane::Unusable, usable(), Dane::Unknown(LookupError::Bogus)];
    let stss = [StsFact::Absent, StsFact::Testing { names_host: false }, ENFORCED, STRANGER];
    let modes =
        [DestinationTls::Opportunistic, DestinationTls::Required, DestinationTls::Verified, DestinationTls::DaneOnly];
    for dane in &danes {
        for sts in stss {
            for default in modes {
                for (require_tls, holds_floor) in [(false, false), (true, false), (false, true), (true, true)] {
                    let wish = if require_tls { TlsWish::Required } else { TlsWish::None };
                    let facts = HostFacts { wish, sts, holds_floor, default, ..plain(dane) };
                    let without = HostFacts { default, ..plain(&Dane::Absent) };
                    // DANE-only is satisfied by DANE, the one fact that makes a refused host usable.
                    if default != DestinationTls::DaneOnly {
                        assert!(decide(&facts).demand.rank() >= decide(&without).demand.rank(), "{facts:?}");
                    }
                }
            }
        }
    }
}
