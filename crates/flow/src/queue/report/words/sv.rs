//! Swedish.

use super::{AdviceWords, WhyWords, Words};

pub(super) const WORDS: Words = Words {
    sender_name: "E-postleverans",
    subject_failed: "Ditt meddelande kunde inte levereras",
    subject_delayed: "Ditt meddelande har inte levererats ännu",
    subject_delivered: "Ditt meddelande har levererats",
    introduction: "Det här är e-postservern {host}.",
    failed: "Ditt meddelande kunde inte levereras till",
    expired: "Ditt meddelande kunde inte levereras i tid, och försöken har avslutats, till",
    delayed: "Ditt meddelande har inte levererats ännu till",
    delivered: "Ditt meddelande har levererats till",
    relayed: "Ditt meddelande har lämnats till nästa server, som kanske inte talar om ifall det kommer fram, för",
    goes_on: "Du behöver inte göra något: nya försök görs till {until}.",
    is_over: "Inga fler försök kommer att göras.",
    details: "För administratörer:",
    why: WhyWords {
        no_mail_domain: "Den del av adressen som står efter @ uppger att den inte tar emot någon e-post.",
        no_such_domain: "Den del av adressen som står efter @ finns inte.",
        no_mail_server: "Det går inte att hitta någon e-postserver för den del av adressen som står efter @.",
        mail_loop: "E-post till den här adressen leds till den här servern, som inte är inställd för det.",
        name_servers_silent: "Det går för tillfället inte att ta reda på vart e-post till den här adressen ska.",
        unreachable: "Mottagarens e-postserver kan inte nås eller svarar inte som den ska.",
        no_encryption: "Kryptering krävs under överföringen, och mottagarens server erbjuder den inte.",
        unproven: "Kryptering krävs under överföringen, och mottagarens server kunde inte visa att den är den rätta.",
        no_promise: "Du bad om kryptering hela vägen, och mottagarens server lovar inte det.",
        no_time_kept: "Du bad om leverans i tid eller inte alls, och mottagarens server lovar inte det.",
        not_signed_in: "Den här servern kunde inte logga in på den server som den skickar genom.",
        no_international: "Meddelandet innehåller internationella tecken som mottagarens server inte kan hantera.",
        too_large: "Meddelandet är större än vad mottagarens server tar emot.",
        mailbox_full: "Mottagarens brevlåda är full.",
        unknown_recipient: "Mottagarens server känner inte till någon med den här adressen.",
        not_wanted: "Mottagarens server ville inte ha meddelandet; dess regler tillåter det inte.",
        refused: "Mottagarens server avvisade meddelandet.",
        not_now: "Mottagarens server ber om ett nytt försök senare.",
        not_its_turn: "Den server som den här skickar genom får inte ges mer för tillfället.",
        ended: "En administratör för den här servern har avslutat leveransen.",
        our_fault: "Den här servern har drabbats av ett fel.",
    },
    advice: AdviceWords {
        check_address: "Kontrollera adressen och skicka meddelandet igen om du hittar ett fel.",
        tell_recipient: "Kontakta mottagaren på något annat sätt och lämna vidare det som står nedan: administratören för \
                         den servern har nytta av det.",
        tell_administrator: "Berätta för din egen e-postadministratör vad som står nedan.",
        send_less: "Skicka mindre åt gången, eller lägg stora filer där mottagaren kan hämta dem.",
        wait_for_room: "Meddela mottagaren på något annat sätt och skicka meddelandet igen när det finns plats.",
        use_plain_address: "Be mottagaren om en adress utan specialtecken, eller undvik å, ä, ö och andra alfabet i adresser \
                            och filnamn.",
    },
};
