//! German.

use super::{AdviceWords, WhyWords, Words};

pub(super) const WORDS: Words = Words {
    sender_name: "E-Mail-Zustellung",
    subject_failed: "Ihre Nachricht konnte nicht zugestellt werden",
    subject_delayed: "Ihre Nachricht ist noch nicht zugestellt",
    subject_delivered: "Ihre Nachricht ist zugestellt",
    introduction: "Dies ist der Mailserver {host}.",
    failed: "Ihre Nachricht konnte nicht zugestellt werden an",
    expired: "Ihre Nachricht konnte nicht rechtzeitig zugestellt werden, und es wird nicht weiter versucht, an",
    delayed: "Ihre Nachricht ist noch nicht zugestellt an",
    delivered: "Ihre Nachricht ist zugestellt an",
    relayed: "Ihre Nachricht wurde dem nächsten Mailserver übergeben, der möglicherweise nicht meldet, ob sie ankommt, für",
    goes_on: "Sie müssen nichts tun: Bis {until} wird es weiter versucht.",
    is_over: "Es wird kein weiterer Versuch unternommen.",
    details: "Für Administratoren:",
    why: WhyWords {
        no_mail_domain: "Der Teil der Adresse nach dem @ gibt an, dass er überhaupt keine E-Mail annimmt.",
        no_such_domain: "Den Teil der Adresse nach dem @ gibt es nicht.",
        no_mail_server: "Zum Teil der Adresse nach dem @ lässt sich kein Mailserver finden.",
        mail_loop: "E-Mail an diese Adresse wird zu diesem Server geleitet, der dafür nicht eingerichtet ist.",
        name_servers_silent: "Zurzeit lässt sich nicht feststellen, wohin E-Mail an diese Adresse gehen soll.",
        unreachable: "Der Mailserver des Empfängers ist nicht erreichbar oder antwortet nicht, wie er sollte.",
        no_encryption: "Für den Transport ist Verschlüsselung vorgeschrieben, und der Mailserver des Empfängers bietet sie nicht.",
        unproven: "Für den Transport ist Verschlüsselung vorgeschrieben, und der Mailserver des Empfängers konnte nicht \
                   nachweisen, dass er der richtige ist.",
        no_promise: "Sie haben durchgehende Verschlüsselung verlangt, und der Mailserver des Empfängers sichert sie nicht zu.",
        no_time_kept: "Sie haben verlangt, dass die Nachricht rechtzeitig oder gar nicht zugestellt wird, und der Mailserver des Empfängers sichert das nicht zu.",
        not_signed_in: "Dieser Server konnte sich bei dem Server, über den er versendet, nicht anmelden.",
        no_international: "Die Nachricht enthält internationale Zeichen, mit denen der Mailserver des Empfängers nicht umgehen kann.",
        too_large: "Die Nachricht ist größer, als der Mailserver des Empfängers annimmt.",
        mailbox_full: "Das Postfach des Empfängers ist voll.",
        unknown_recipient: "Der Mailserver des Empfängers kennt niemanden mit dieser Adresse.",
        not_wanted: "Der Mailserver des Empfängers wollte die Nachricht nicht; seine Regeln lassen sie nicht zu.",
        refused: "Der Mailserver des Empfängers hat die Nachricht abgelehnt.",
        not_now: "Der Mailserver des Empfängers bittet, es später noch einmal zu versuchen.",
        not_its_turn: "Dem Server, über den dieser hier versendet, darf zurzeit nicht mehr übergeben werden.",
        ended: "Ein Administrator dieses Servers hat die Zustellung beendet.",
        our_fault: "Dieser Server hat eine Störung.",
    },
    advice: AdviceWords {
        check_address: "Bitte prüfen Sie die Adresse, und senden Sie die Nachricht erneut, wenn Sie einen Fehler finden.",
        tell_recipient: "Bitte erreichen Sie den Empfänger auf anderem Weg, und geben Sie weiter, was unten steht: Der \
                         Administrator des dortigen Mailservers kann damit etwas anfangen.",
        tell_administrator: "Bitte sagen Sie Ihrem eigenen E-Mail-Administrator, was unten steht.",
        send_less: "Bitte senden Sie weniger auf einmal, oder legen Sie große Dateien dort ab, wo der Empfänger sie abholen kann.",
        wait_for_room: "Bitte sagen Sie es dem Empfänger auf anderem Weg, und senden Sie die Nachricht erneut, wenn wieder \
                        Platz ist.",
        use_plain_address: "Bitte fragen Sie den Empfänger nach einer Adresse ohne Sonderzeichen, oder vermeiden Sie Umlaute \
                            und andere Schriften in Adressen und Dateinamen.",
    },
};
