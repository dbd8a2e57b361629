//! The words, in each language.

use posthouse_model::Language;

/// The words of a language.
pub(super) struct Words {
    pub subject: &'static str,
    /// With `{address}`; the figures follow.
    pub nearly_full: &'static str,
    /// What a number counts.
    pub messages: &'static str,
    pub consequence: &'static str,
    pub advice: &'static str,
}

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
            Language::French => &FRENCH,
            Language::Italian => &ITALIAN,
            Language::Spanish => &SPANISH,
            Language::Greek => &GREEK,
            Language::Russian => &RUSSIAN,
            Language::Swedish => &SWEDISH,
        }
    }
}

const ENGLISH: Words = Words {
    subject: "Your mailbox is nearly full",
    nearly_full: "The mailbox {address} is nearly full:",
    messages: "messages",
    consequence: "When it is full, no more mail comes in, and senders are told so.",
    advice: "Please delete what you no longer need and empty the trash, or ask your administrator for more room.",
};

const GERMAN: Words = Words {
    subject: "Ihr Postfach ist fast voll",
    nearly_full: "Das Postfach {address} ist fast voll:",
    messages: "Nachrichten",
    consequence: "Wenn es voll ist, kommt keine E-Mail mehr an, und die Absender erfahren das.",
    advice: "Bitte löschen Sie, was Sie nicht mehr brauchen, und leeren Sie den Papierkorb, oder bitten Sie Ihren \
             Administrator um mehr Platz.",
};

const FRENCH: Words = Words {
    subject: "Votre boîte aux lettres est presque pleine",
    nearly_full: "La boîte aux lettres {address} est presque pleine :",
    messages: "messages",
    consequence: "Une fois pleine, elle ne reçoit plus de courrier, et les expéditeurs en sont avertis.",
    advice: "Veuillez supprimer ce dont vous n'avez plus besoin et vider la corbeille, ou demander plus d'espace à votre \
             administrateur.",
};

const ITALIAN: Words = Words {
    subject: "La tua casella di posta è quasi piena",
    nearly_full: "La casella di posta {address} è quasi piena:",
    messages: "messaggi",
    consequence: "Quando è piena non riceve più posta, e i mittenti ne sono informati.",
    advice: "Elimina ciò che non ti serve più e svuota il cestino, oppure chiedi più spazio al tuo amministratore.",
};

const SPANISH: Words = Words {
    subject: "Su buzón está casi lleno",
    nearly_full: "El buzón {address} está casi lleno:",
    messages: "mensajes",
    consequence: "Cuando esté lleno no entrará más correo, y se avisará de ello a los remitentes.",
    advice: "Borre lo que ya no necesite y vacíe la papelera, o pida más espacio a su administrador.",
};

const GREEK: Words = Words {
    subject: "Το γραμματοκιβώτιό σας είναι σχεδόν γεμάτο",
    nearly_full: "Το γραμματοκιβώτιο {address} είναι σχεδόν γεμάτο:",
    messages: "μηνύματα",
    consequence: "Όταν γεμίσει, δεν θα παραλαμβάνει άλλα μηνύματα, και οι αποστολείς θα ενημερώνονται.",
    advice: "Διαγράψτε ό,τι δεν χρειάζεστε πια και αδειάστε τον κάδο, ή ζητήστε περισσότερο χώρο από τον διαχειριστή σας.",
};

const RUSSIAN: Words = Words {
    subject: "Ваш почтовый ящик почти заполнен",
    nearly_full: "Почтовый ящик {address} почти заполнен:",
    messages: "сообщений",
    consequence: "Когда он заполнится, новая почта не будет приниматься, и отправители об этом узнают.",
    advice: "Удалите то, что вам больше не нужно, и очистите корзину или попросите администратора выделить больше места.",
};

const SWEDISH: Words = Words {
    subject: "Din brevlåda är nästan full",
    nearly_full: "Brevlådan {address} är nästan full:",
    messages: "meddelanden",
    consequence: "När den är full kommer ingen mer e-post in, och avsändarna får veta det.",
    advice: "Ta bort det du inte längre behöver och töm papperskorgen, eller be din administratör om mer utrymme.",
};
