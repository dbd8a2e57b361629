//! Italian.

use super::{AdviceWords, WhyWords, Words};

pub(super) const WORDS: Words = Words {
    sender_name: "Recapito della posta",
    subject_failed: "Non è stato possibile recapitare il suo messaggio",
    subject_delayed: "Il suo messaggio non è ancora stato recapitato",
    subject_delivered: "Il suo messaggio è stato recapitato",
    introduction: "Questo è il server di posta {host}.",
    failed: "Non è stato possibile recapitare il suo messaggio a",
    expired: "Non è stato possibile recapitare il suo messaggio in tempo, e si rinuncia a consegnarlo, a",
    delayed: "Il suo messaggio non è ancora stato recapitato a",
    delivered: "Il suo messaggio è stato recapitato a",
    relayed: "Il suo messaggio è stato consegnato al server successivo, che forse non le dirà se arriva, per",
    goes_on: "Non deve fare nulla: si riproverà fino al {until}.",
    is_over: "Non ci saranno altri tentativi.",
    details: "Per gli amministratori:",
    why: WhyWords {
        no_mail_domain: "La parte dell’indirizzo dopo la @ dichiara di non accettare posta.",
        no_such_domain: "La parte dell’indirizzo dopo la @ non esiste.",
        no_mail_server: "Non si trova alcun server di posta per la parte dell’indirizzo dopo la @.",
        mail_loop: "La posta per questo indirizzo viene diretta a questo server, che non è configurato per riceverla.",
        name_servers_silent: "Al momento non è possibile sapere dove inviare la posta per questo indirizzo.",
        unreachable: "Il server di posta del destinatario non è raggiungibile o non risponde come dovrebbe.",
        no_encryption: "Per il trasporto è richiesta la cifratura, e il server del destinatario non la offre.",
        unproven: "Per il trasporto è richiesta la cifratura, e il server del destinatario non ha potuto dimostrare di essere \
                   quello giusto.",
        no_promise: "Lei ha chiesto la cifratura lungo tutto il percorso, e il server del destinatario non la garantisce.",
        no_time_kept: "Lei ha chiesto che il messaggio sia consegnato in tempo o per niente, e il server del destinatario non lo garantisce.",
        not_signed_in: "Questo server non è riuscito ad autenticarsi presso il server tramite cui invia la posta.",
        no_international: "Il messaggio contiene caratteri internazionali che il server del destinatario non sa gestire.",
        too_large: "Il messaggio è più grande di quanto il server del destinatario accetti.",
        mailbox_full: "La casella del destinatario è piena.",
        unknown_recipient: "Il server del destinatario non conosce nessuno a questo indirizzo.",
        not_wanted: "Il server del destinatario non ha voluto il messaggio; le sue regole non lo permettono.",
        refused: "Il server del destinatario ha rifiutato il messaggio.",
        not_now: "Il server del destinatario chiede di riprovare più tardi.",
        not_its_turn: "Al server tramite cui questo invia la posta per ora non se ne può consegnare altra.",
        ended: "Un amministratore di questo server ha interrotto il recapito.",
        our_fault: "Questo server ha un guasto.",
    },
    advice: AdviceWords {
        check_address: "Controlli l’indirizzo e, se trova un errore, invii di nuovo il messaggio.",
        tell_recipient: "Contatti il destinatario in un altro modo e gli comunichi quanto riportato sotto: \
                         l’amministratore del suo server saprà che farne.",
        tell_administrator: "Comunichi al proprio amministratore di posta quanto riportato sotto.",
        send_less: "Invii meno dati alla volta, oppure metta i file grandi dove il destinatario possa scaricarli.",
        wait_for_room: "Avvisi il destinatario in un altro modo e invii di nuovo il messaggio quando ci sarà spazio.",
        use_plain_address: "Chieda al destinatario un indirizzo senza caratteri speciali, oppure eviti lettere accentate e \
                            altri alfabeti negli indirizzi e nei nomi dei file.",
    },
};
