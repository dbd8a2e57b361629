//! Spanish.

use super::{AdviceWords, WhyWords, Words};

pub(super) const WORDS: Words = Words {
    sender_name: "Entrega de correo",
    subject_failed: "No se ha podido entregar su mensaje",
    subject_delayed: "Su mensaje todavía no se ha entregado",
    subject_delivered: "Su mensaje se ha entregado",
    introduction: "Este es el servidor de correo {host}.",
    failed: "No se ha podido entregar su mensaje a",
    expired: "No se ha podido entregar su mensaje a tiempo, y ya no se seguirá intentando, a",
    delayed: "Su mensaje todavía no se ha entregado a",
    delivered: "Su mensaje se ha entregado a",
    relayed: "Su mensaje ha pasado al siguiente servidor, que quizá no le comunique si llega, para",
    goes_on: "No tiene que hacer nada: se seguirá intentando hasta el {until}.",
    is_over: "No se volverá a intentar.",
    details: "Para los administradores:",
    why: WhyWords {
        no_mail_domain: "La parte de la dirección que sigue a la @ declara que no acepta correo.",
        no_such_domain: "La parte de la dirección que sigue a la @ no existe.",
        no_mail_server: "No se encuentra ningún servidor de correo para la parte de la dirección que sigue a la @.",
        mail_loop: "El correo para esta dirección se dirige a este servidor, que no está configurado para recibirlo.",
        name_servers_silent: "De momento no se puede averiguar adónde debe ir el correo para esta dirección.",
        unreachable: "No se puede contactar con el servidor de correo del destinatario, o no responde como debería.",
        no_encryption: "Se exige cifrado durante el transporte, y el servidor del destinatario no lo ofrece.",
        unproven: "Se exige cifrado durante el transporte, y el servidor del destinatario no ha podido demostrar que es el \
                   correcto.",
        no_promise: "Usted pidió cifrado durante todo el trayecto, y el servidor del destinatario no lo garantiza.",
        no_time_kept: "Usted pidió que el mensaje se entregara a tiempo o no se entregara, y el servidor del destinatario no lo garantiza.",
        not_signed_in: "Este servidor no ha podido identificarse ante el servidor por el que envía el correo.",
        no_international: "El mensaje contiene caracteres internacionales que el servidor del destinatario no sabe tratar.",
        too_large: "El mensaje es más grande de lo que acepta el servidor del destinatario.",
        mailbox_full: "El buzón del destinatario está lleno.",
        unknown_recipient: "El servidor del destinatario no conoce a nadie con esta dirección.",
        not_wanted: "El servidor del destinatario no quiso el mensaje; sus reglas no lo permiten.",
        refused: "El servidor del destinatario ha rechazado el mensaje.",
        not_now: "El servidor del destinatario pide que se vuelva a intentar más tarde.",
        not_its_turn: "Al servidor por el que este envía el correo no se le puede entregar más por ahora.",
        ended: "Un administrador de este servidor ha dado por terminada la entrega.",
        our_fault: "Este servidor tiene una avería.",
    },
    advice: AdviceWords {
        check_address: "Compruebe la dirección y, si encuentra un error, vuelva a enviar el mensaje.",
        tell_recipient: "Póngase en contacto con el destinatario por otro medio y hágale llegar lo que se indica más abajo: \
                         al administrador de su servidor le será útil.",
        tell_administrator: "Comunique a su propio administrador de correo lo que se indica más abajo.",
        send_less: "Envíe menos datos a la vez, o deje los archivos grandes donde el destinatario pueda descargarlos.",
        wait_for_room: "Avise al destinatario por otro medio y vuelva a enviar el mensaje cuando haya sitio.",
        use_plain_address: "Pida al destinatario una dirección sin caracteres especiales, o evite los acentos y otros \
                            alfabetos en las direcciones y en los nombres de archivo.",
    },
};
