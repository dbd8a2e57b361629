//! French.

use super::{AdviceWords, WhyWords, Words};

pub(super) const WORDS: Words = Words {
    sender_name: "Distribution du courrier",
    subject_failed: "Votre message n’a pas pu être remis",
    subject_delayed: "Votre message n’a pas encore été remis",
    subject_delivered: "Votre message a été remis",
    introduction: "Ici le serveur de messagerie {host}.",
    failed: "Votre message n’a pas pu être remis à",
    expired: "Votre message n’a pas pu être remis à temps, et les tentatives sont abandonnées, à",
    delayed: "Votre message n’a pas encore été remis à",
    delivered: "Votre message a été remis à",
    relayed: "Votre message a été transmis au serveur suivant, qui ne vous dira peut-être pas s’il arrive, pour",
    goes_on: "Vous n’avez rien à faire : de nouvelles tentatives auront lieu jusqu’au {until}.",
    is_over: "Il n’y aura pas d’autre tentative.",
    details: "Pour les administrateurs :",
    why: WhyWords {
        no_mail_domain: "La partie de l’adresse qui suit le @ déclare n’accepter aucun courrier.",
        no_such_domain: "La partie de l’adresse qui suit le @ n’existe pas.",
        no_mail_server: "Aucun serveur de messagerie n’est trouvé pour la partie de l’adresse qui suit le @.",
        mail_loop: "Le courrier pour cette adresse est dirigé vers ce serveur, qui n’est pas configuré pour elle.",
        name_servers_silent: "Il est actuellement impossible de savoir où envoyer le courrier pour cette adresse.",
        unreachable: "Le serveur de messagerie du destinataire est injoignable ou ne répond pas comme il le devrait.",
        no_encryption: "Le chiffrement est exigé pendant le transport, et le serveur du destinataire ne le propose pas.",
        unproven: "Le chiffrement est exigé pendant le transport, et le serveur du destinataire n’a pas pu prouver qu’il est \
                   le bon.",
        no_promise: "Vous avez demandé un chiffrement de bout en bout du trajet, et le serveur du destinataire ne le garantit pas.",
        no_time_kept: "Vous avez demandé que le message soit remis à temps ou pas du tout, et le serveur du destinataire ne le garantit pas.",
        not_signed_in: "Ce serveur n’a pas pu s’identifier auprès du serveur par lequel il envoie le courrier.",
        no_international: "Le message contient des caractères internationaux que le serveur du destinataire ne sait pas traiter.",
        too_large: "Le message est plus volumineux que ce que le serveur du destinataire accepte.",
        mailbox_full: "La boîte aux lettres du destinataire est pleine.",
        unknown_recipient: "Le serveur du destinataire ne connaît personne à cette adresse.",
        not_wanted: "Le serveur du destinataire n’a pas voulu du message ; ses règles ne l’autorisent pas.",
        refused: "Le serveur du destinataire a refusé le message.",
        not_now: "Le serveur du destinataire demande de réessayer plus tard.",
        not_its_turn: "Le serveur par lequel celui-ci envoie le courrier ne peut pas en recevoir davantage pour le moment.",
        ended: "Un administrateur de ce serveur a mis fin à la distribution.",
        our_fault: "Ce serveur rencontre une panne.",
    },
    advice: AdviceWords {
        check_address: "Veuillez vérifier l’adresse et renvoyer le message si vous y trouvez une erreur.",
        tell_recipient: "Veuillez joindre le destinataire par un autre moyen et lui transmettre ce qui est dit plus bas : \
                         l’administrateur de son serveur saura qu’en faire.",
        tell_administrator: "Veuillez communiquer ce qui est dit plus bas à votre propre administrateur de messagerie.",
        send_less: "Veuillez envoyer moins à la fois, ou déposer les gros fichiers là où le destinataire peut les télécharger.",
        wait_for_room: "Veuillez prévenir le destinataire par un autre moyen et renvoyer le message quand il y aura de la place.",
        use_plain_address: "Veuillez demander au destinataire une adresse sans caractères spéciaux, ou éviter les accents et \
                            les autres écritures dans les adresses et les noms de fichiers.",
    },
};
